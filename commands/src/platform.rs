//! Everything that commands stand on, opened once for each process.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use licet_domain::{
    Decider,
    customer::Customer,
    license::License,
    release::Release,
    values::{LicenseId, LicenseKey},
};
use licet_event_store::{
    Aggregates, Edge, Envelope, EventLog, Executed, IdempotentAnswer, ReadError, Submission, Tenant, Versioned,
    vault::{LookUpKey, Purpose, Sealer, Vault},
};
use moka::sync::Cache;
use uuid::Uuid;

use crate::{CommandError, Context, Done, Refusals, license::RecentBeats, resources::Resources};

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

/// Claims that never change hands: keys, and codes, which stay taken when what had them is retired. Of these, found is
/// found for ever; all others are asked for each time.
const FOR_EVER: [&str; 4] = ["license_key", "api_key", "product_code", "policy_code"];

/// The log, the vault, the edge and the caches of one process.
pub struct Platform {
    /// The log.
    pub log: EventLog,
    /// The vault.
    pub vault: Vault,
    /// Time and randomness.
    pub edge: Edge,
    /// Licenses in memory.
    pub licenses: Arc<Aggregates<License>>,
    /// All other aggregates in memory.
    pub resources: Resources,
    /// Which aggregate holds a claimed value, of the kinds that never change hands.
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
            licenses: Aggregates::new(log.clone(), sizes.licenses),
            resources: Resources::new(&log, sizes.others),
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
            if kind == License::TYPE {
                platform.licenses.invalidate(tenant, id, sequence);
                return;
            }
            platform.resources.invalidate(kind, tenant, id, sequence);
            if kind == Customer::TYPE {
                // It may have been forgotten.
                platform.vault.close(tenant, Purpose::Person, &id.to_string());
            }
            if kind == Release::TYPE {
                platform.releases_changed();
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
        let executed = aggregates.execute(id, &envelope, order, &answer).await;
        if D::TYPE == Release::TYPE {
            // Also when it failed: it may have gone in all the same.
            self.releases_changed();
        }
        let executed: Executed<D> = executed?;
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
            forgets: Vec::new(),
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

    /// Seals what belongs to a tenant and to no person.
    pub async fn tenant_sealer(&self, tenant: &Tenant) -> Result<Sealer, CommandError> {
        Ok(self.vault.sealer(tenant, Purpose::Tenant, "1").await?)
    }

    /// Who holds a claimed value.
    pub(crate) async fn holder(
        &self,
        tenant: &Tenant,
        kind: &'static str,
        hash: [u8; 32],
    ) -> Result<Option<Uuid>, CommandError> {
        let name = (tenant.clone(), kind, hash);
        let for_ever = FOR_EVER.contains(&kind);
        if for_ever && let Some(id) = self.holders.get(&name) {
            return Ok(Some(id));
        }
        let found = self
            .log
            .claim_holder(tenant, kind, &hash)
            .await
            .map_err(ReadError::from)?;
        let id = found.and_then(|id| id.parse().ok());
        if let Some(id) = id.filter(|_| for_ever) {
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
