//! What every request needs, opened once.

use std::{sync::Arc, time::Duration};

use licet_commands::{CacheSizes, Platform, operator::Hashing};
use licet_domain::{api_key::Scope, values::Timestamp};
use licet_event_store::{
    Actor, ActorKind, Edge, EventLog, Keyring, RELOAD, Tenant,
    vault::{Purpose, Sealer, Signer, Vault},
};
use licet_projections::{Reader, nodes::key_usage, revocations::AliveSince};
use licet_workers::webhooks::Sender;
use moka::sync::Cache;
use prometheus::Registry;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::{
    auth::SessionUse,
    catalog::Catalog,
    idempotency::InFlight,
    limits::{RateLimits, Refusal},
    observe::Metrics,
    settings::Settings,
    signing::LeaseCache,
    used_meters::UsedMeters,
};

/// The server's parts; clones share them.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    /// Names this node.
    pub(crate) node: Uuid,
    pub(crate) platform: Arc<Platform>,
    pub(crate) reader: Reader,
    pub(crate) tenant: Tenant,
    pub(crate) keyring: Keyring,
    /// Seals what belongs to the tenant and to no person.
    pub(crate) sealer: Sealer,
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) in_flight: InFlight,
    pub(crate) leases: LeaseCache,
    pub(crate) limits: RateLimits,
    pub(crate) login_limits: RateLimits,
    /// Hashes passwords, so few at a time that machines are not kept waiting.
    pub(crate) hashing: Hashing,
    /// When sessions were last used, as far as this node knows.
    pub(crate) sessions_seen: Cache<Uuid, SessionUse>,
    pub(crate) catalog: Catalog,
    pub(crate) used_meters: UsedMeters,
    /// Delivers tests to webhooks.
    pub(crate) sender: Sender,
    pub(crate) last_used: Cache<Uuid, Timestamp>,
    /// From when on leases of each tenant could be alive.
    pub(crate) alive_since: Cache<Tenant, AliveSince>,
    /// Places for those who follow what happens.
    pub(crate) live_streams: Arc<Semaphore>,
    /// The one place for who verifies the log.
    pub(crate) verifying: Arc<Semaphore>,
    /// The one place for who tries a backup.
    pub(crate) trying_backup: Arc<Semaphore>,
    pub(crate) ending: watch::Receiver<bool>,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// So many follow what happens at once; machines have the other connections.
const LIVE_STREAMS: usize = 500;

/// Half of the processors hash passwords at most; the others go on answering machines.
fn passwords_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

impl App {
    /// Opens the vault and puts the parts together over an open log.
    pub(crate) async fn new(
        log: EventLog,
        edge: Edge,
        settings: Settings,
        registry: Registry,
        ending: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let tenant = Tenant::default();
        let vault = Vault::new(log.pool().clone(), &settings.secret_key, edge.clone());
        let keyring = Keyring::open(vault.clone(), tenant.clone()).await?;
        let sealer = vault.sealer(&tenant, Purpose::Tenant, "1").await?;
        let sizes = CacheSizes {
            licenses: settings.license_cache,
            ..CacheSizes::default()
        };
        let node = edge.id();
        let hashing = Hashing::new(&edge, passwords_at_once());
        let platform = Platform::new(log.clone(), vault, edge, sizes);
        Ok(Self(Arc::new(Parts {
            node,
            reader: Reader::new(log),
            limits: RateLimits::new(settings.api_rate_limit, Refusal::API),
            login_limits: RateLimits::new(settings.sign_in.rate_limit, Refusal::LOGIN),
            hashing,
            sessions_seen: Cache::builder().max_capacity(100_000).build(),
            catalog: Catalog::new(),
            used_meters: UsedMeters::new(),
            sender: Sender::new(settings.webhook_allow_private),
            platform,
            tenant,
            keyring,
            sealer,
            settings,
            registry,
            metrics: Metrics::new(),
            in_flight: InFlight::default(),
            leases: LeaseCache::new(),
            last_used: Cache::builder().max_capacity(10_000).build(),
            alive_since: Cache::new(1_000),
            live_streams: Arc::new(Semaphore::new(LIVE_STREAMS)),
            verifying: Arc::new(Semaphore::new(1)),
            trying_backup: Arc::new(Semaphore::new(1)),
            ending,
        })))
    }

    /// The platform, for workers.
    pub(crate) fn platform(&self) -> &Arc<Platform> {
        &self.0.platform
    }

    /// The key pair that signs now.
    pub(crate) fn signer(&self) -> Signer {
        self.0.keyring.signer(self.platform.edge.now())
    }

    /// Hears of keys that other nodes have made.
    pub(crate) async fn follow_keys(self) {
        let mut ending = self.ending.clone();
        loop {
            let ended = tokio::time::timeout(RELOAD, ending.wait_for(|ending| *ending))
                .await
                .is_ok();
            if ended {
                return;
            }
            if let Err(error) = self.keyring.reload().await {
                tracing::warn!(%error, "the signing keys could not be looked at; trying again");
            }
        }
    }

    /// The actor that the bootstrap key stands for.
    pub(crate) fn bootstrap() -> (Actor, Vec<Scope>) {
        let actor = Actor {
            kind: ActorKind::ApiKey,
            id: "bootstrap".to_owned(),
        };
        (actor, vec![Scope::Client, Scope::Read, Scope::Admin])
    }

    /// Records what was refused again and again, every few minutes and at the end.
    pub(crate) async fn record_repetitions(self) {
        let mut ending = self.ending.clone();
        loop {
            let ended = tokio::time::timeout(Duration::from_secs(60), ending.wait_for(|ending| *ending))
                .await
                .is_ok();
            self.platform.flush_refusals(ended).await;
            if ended {
                return;
            }
        }
    }

    /// Writes down when keys were last used, every half minute and at the end.
    pub(crate) async fn note_usage(self) {
        let mut ending = self.ending.clone();
        loop {
            let ended = tokio::time::timeout(Duration::from_secs(30), ending.wait_for(|ending| *ending))
                .await
                .is_ok();
            let used: Vec<_> = self
                .last_used
                .iter()
                .map(|(id, at)| (self.tenant.clone(), *id, at))
                .collect();
            if !used.is_empty() {
                match key_usage::note(self.platform.log.pool(), &used).await {
                    // A later use stays for the next round.
                    Ok(()) => used.iter().for_each(|(_, id, at)| {
                        if self.last_used.get(id) == Some(*at) {
                            self.last_used.invalidate(id);
                        }
                    }),
                    Err(error) => tracing::warn!(%error, "the last use of API keys could not be noted; trying again"),
                }
            }
            if ended {
                return;
            }
        }
    }
}
