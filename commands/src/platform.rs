//! Everything that commands stand on, opened once for each process.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use licet_domain::{
    Decider,
    anomaly::Anomaly,
    api_key::ApiKey,
    customer::Customer,
    license::License,
    policy::Policy,
    product::Product,
    release::Release,
    values::{LicenseId, LicenseKey},
    webhook::Webhook,
};
use licet_event_store::{
    Aggregates, Edge, Envelope, EventLog, Executed, IdempotentAnswer, ReadError, Submission, Tenant, Versioned,
    vault::{LookUpKey, Vault},
};
use moka::sync::Cache;
use uuid::Uuid;

use crate::{CommandError, Context, Done, Refusals, license::RecentBeats};

/// How many bytes the caches may hold.
#[derive(Debug, Clone, Copy)]
pub struct CacheSizes {
    /// Licenses with their machines.
    pub licenses: u64,
    /// Everything else, each kind for itself.
    pub others: u64,
}

impl Default for CacheSizes {
    fn default() -> Self {
        Self {
            licenses: 512 << 20,
            others: 8 << 20,
        }
    }
}

/// Writes what a command did as the body of its answer, which is kept with the change for a repeated request.
pub type Body<'a, T> = &'a (dyn Fn(&T) -> String + Sync);

/// The log, the vault, the edge and the caches of one process.
pub struct Platform {
    /// The log.
    pub log: EventLog,
    /// The vault.
    pub vault: Vault,
    /// Time and randomness.
    pub edge: Edge,
    /// Products in memory.
    pub products: Arc<Aggregates<Product>>,
    /// Policies in memory.
    pub policies: Arc<Aggregates<Policy>>,
    /// Customers in memory.
    pub customers: Arc<Aggregates<Customer>>,
    /// Licenses in memory.
    pub licenses: Arc<Aggregates<License>>,
    /// Releases in memory.
    pub releases: Arc<Aggregates<Release>>,
    /// API keys in memory.
    pub api_keys: Arc<Aggregates<ApiKey>>,
    /// Webhooks in memory.
    pub webhooks: Arc<Aggregates<Webhook>>,
    /// Anomalies in memory.
    pub anomalies: Arc<Aggregates<Anomaly>>,
    /// Which aggregate holds a claimed value. A license's key never changes hands, so found is found for ever.
    pub(crate) holders: Cache<(Tenant, &'static str, [u8; 32]), Uuid>,
    /// What machines were refused within the hour.
    pub refusals: Refusals,
    /// Beats of the last minutes, by which one that is sent twice is known.
    pub(crate) recent_beats: RecentBeats,
    /// Counts the changes to releases that this node knows of.
    pub(crate) release_changes: AtomicU64,
}

impl Platform {
    /// Puts the parts together and lets the caches hear of other nodes' events.
    pub fn new(log: EventLog, vault: Vault, edge: Edge, sizes: CacheSizes) -> Arc<Self> {
        let platform = Arc::new(Self {
            products: Aggregates::new(log.clone(), sizes.others),
            policies: Aggregates::new(log.clone(), sizes.others),
            customers: Aggregates::new(log.clone(), sizes.others),
            licenses: Aggregates::new(log.clone(), sizes.licenses),
            releases: Aggregates::new(log.clone(), sizes.others),
            api_keys: Aggregates::new(log.clone(), sizes.others),
            webhooks: Aggregates::new(log.clone(), sizes.others),
            anomalies: Aggregates::new(log.clone(), sizes.others),
            holders: Cache::new(200_000),
            refusals: Refusals::default(),
            recent_beats: RecentBeats::default(),
            release_changes: AtomicU64::new(0),
            log,
            vault,
            edge,
        });
        let caches = Arc::downgrade(&platform);
        platform.log.on_news(move |tenant, kind, id, sequence| {
            let Some(platform) = caches.upgrade() else { return };
            match kind {
                License::TYPE => platform.licenses.invalidate(tenant, id, sequence),
                Policy::TYPE => platform.policies.invalidate(tenant, id, sequence),
                Product::TYPE => platform.products.invalidate(tenant, id, sequence),
                Customer::TYPE => platform.customers.invalidate(tenant, id, sequence),
                Release::TYPE => {
                    platform.releases.invalidate(tenant, id, sequence);
                    platform.releases_changed();
                }
                ApiKey::TYPE => platform.api_keys.invalidate(tenant, id, sequence),
                Webhook::TYPE => platform.webhooks.invalidate(tenant, id, sequence),
                Anomaly::TYPE => platform.anomalies.invalidate(tenant, id, sequence),
                _ => {}
            }
        });
        platform
    }

    /// Runs a command on one aggregate and keeps the answer for a repetition.
    pub(crate) async fn run<D: Decider, T>(
        &self,
        aggregates: &Arc<Aggregates<D>>,
        about: (Uuid, &Context, Envelope),
        order: impl Fn(&D::State) -> Result<D::Command, CommandError> + Sync,
        output: impl Fn(&D::State) -> Result<T, CommandError> + Sync,
        body: Body<'_, T>,
    ) -> Result<Done<T>, CommandError>
    where
        CommandError: From<D::Rejection>,
    {
        let context = about.1;
        let done = self.run_change(aggregates, about, order, output, body).await?;
        if !done.changed {
            let answer = context.answer_with(200, Some(done.position), || body(&done.value));
            self.keep_answer(context, answer).await?;
        }
        Ok(done)
    }

    /// The same, but keeps the answer only where something changed.
    pub(crate) async fn run_change<D: Decider, T>(
        &self,
        aggregates: &Arc<Aggregates<D>>,
        (id, context, envelope): (Uuid, &Context, Envelope),
        order: impl Fn(&D::State) -> Result<D::Command, CommandError> + Sync,
        output: impl Fn(&D::State) -> Result<T, CommandError> + Sync,
        body: Body<'_, T>,
    ) -> Result<Done<T>, CommandError>
    where
        CommandError: From<D::Rejection>,
    {
        let answer = |_: &[D::Event], state: &D::State| {
            let value = output(state).ok()?;
            context.answer(|| body(&value))
        };
        let executed: Executed<D> = aggregates.execute(id, &envelope, order, &answer).await?;
        Ok(Done {
            value: output(&executed.state)?,
            position: executed.position,
            changed: !executed.events.is_empty(),
        })
    }

    /// Keeps the answer of a request that changed nothing.
    pub(crate) async fn keep_answer(
        &self,
        context: &Context,
        answer: Option<IdempotentAnswer>,
    ) -> Result<(), CommandError> {
        if answer.is_some() {
            self.log.append(Self::submission(context, answer)).await?;
        }
        Ok(())
    }

    /// A submission without streams; the caller adds what it records.
    pub(crate) fn submission(context: &Context, idempotency: Option<IdempotentAnswer>) -> Submission {
        Submission {
            tenant: context.tenant.clone(),
            command_id: context.command_id,
            metadata: context.metadata(),
            streams: Vec::new(),
            claims: Vec::new(),
            releases: Vec::new(),
            preconditions: Vec::new(),
            holds: Vec::new(),
            idempotency,
        }
    }

    /// Goes up whenever a release may have changed, here or on another node; what was made of releases is then stale.
    pub fn release_changes(&self) -> u64 {
        self.release_changes.load(Ordering::SeqCst)
    }

    pub(crate) fn releases_changed(&self) {
        self.release_changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Hashes what is looked up.
    pub async fn look_up_key(&self, tenant: &Tenant) -> Result<LookUpKey, CommandError> {
        Ok(self.vault.look_up_key(tenant).await?)
    }

    /// Who holds a claimed value.
    pub(crate) async fn holder(
        &self,
        tenant: &Tenant,
        kind: &'static str,
        hash: [u8; 32],
    ) -> Result<Option<Uuid>, CommandError> {
        let name = (tenant.clone(), kind, hash);
        if let Some(id) = self.holders.get(&name) {
            return Ok(Some(id));
        }
        let found = self
            .log
            .claim_holder(tenant, kind, &hash)
            .await
            .map_err(ReadError::from)?;
        let id = found.and_then(|id| id.parse().ok());
        if let Some(id) = id {
            self.holders.insert(name, id);
        }
        Ok(id)
    }

    /// The license that a typed key belongs to.
    pub async fn license_by_key(
        &self,
        tenant: &Tenant,
        typed: &str,
    ) -> Result<Option<(LicenseId, Arc<Versioned<License>>)>, CommandError> {
        let Some(key) = LicenseKey::parse(typed) else {
            return Ok(None);
        };
        let hash = self.look_up_key(tenant).await?.hash("license_key", key.canonical());
        let Some(id) = self.holder(tenant, "license_key", hash).await? else {
            return Ok(None);
        };
        Ok(Some((LicenseId(id), self.licenses.get(tenant, id).await?)))
    }
}
