//! The cache, and how it never believes for long what another node has changed.

use std::{
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use licet_domain::{Decider, EventData as _};
use moka::sync::Cache;
use uuid::Uuid;

use super::{
    Versioned,
    entry::{Entry, lock},
};
use crate::{EventLog, ReadError, Tenant, metrics::METRICS, snapshots};

pub(super) type Key = (Tenant, Uuid);

/// The cache of one kind of aggregate.
pub struct Aggregates<D: Decider> {
    pub(super) log: EventLog,
    pub(super) cache: Cache<Key, Arc<Entry<D>>>,
    kind: PhantomData<D>,
}

/// An entry that was cached and not yet compared with the log. Whoever gives up before it was leaves none behind.
struct Unchecked<'a, D: Decider> {
    aggregates: &'a Aggregates<D>,
    key: &'a Key,
    entry: Arc<Entry<D>>,
    checked: bool,
}

impl<D: Decider> Drop for Unchecked<'_, D> {
    fn drop(&mut self) {
        if !self.checked {
            self.entry.break_off();
            self.aggregates.drop_entry(self.key, &self.entry);
        }
    }
}

impl<D: Decider> Aggregates<D> {
    /// A cache of at most so many bytes.
    pub fn new(log: EventLog, max_bytes: u64) -> Arc<Self> {
        let weigh =
            |_: &Key, entry: &Arc<Entry<D>>| u32::try_from(entry.weight.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(max_bytes).weigher(weigh).build();
        Arc::new(Self {
            log,
            cache,
            kind: PhantomData,
        })
    }

    /// The durable state, from memory or loaded; as fresh as this node's news of the others.
    pub async fn get(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Versioned<D::State>>, ReadError> {
        if self.log.hears_others() {
            self.known(tenant, id).await
        } else {
            self.fresh(tenant, id).await
        }
    }

    async fn known(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Versioned<D::State>>, ReadError> {
        let entry = self.entry(tenant, id).await?;
        Ok(Arc::clone(&lock(&entry.committed)))
    }

    /// The durable state, after making sure that no other node has moved on.
    pub async fn fresh(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Versioned<D::State>>, ReadError> {
        let mut known = self.known(tenant, id).await?;
        let durable = self.log.version(tenant, D::TYPE, &id.to_string()).await?;
        while known.version < durable {
            self.invalidate(tenant, id, durable);
            let entry = self.entry(tenant, id).await?;
            // What is queued here is what became durable, or has lost to it: either is known in a moment.
            entry.reached(durable).await;
            known = Arc::clone(&lock(&entry.committed));
        }
        Ok(known)
    }

    /// The state as it was, rebuilt from the events.
    pub async fn as_of(&self, tenant: &Tenant, id: Uuid, position: i64) -> Result<Versioned<D::State>, ReadError> {
        snapshots::replay::<D>(&self.log, tenant, id, position).await
    }

    pub(super) async fn entry(&self, tenant: &Tenant, id: Uuid) -> Result<Arc<Entry<D>>, ReadError> {
        let key = (tenant.clone(), id);
        if let Some(entry) = self.cache.get(&key) {
            if !entry.is_broken() {
                METRICS.cache(true);
                return Ok(entry);
            }
            self.drop_entry(&key, &entry);
        }
        METRICS.cache(false);
        loop {
            let loaded = snapshots::load::<D>(&self.log, tenant, id).await?;
            let cached = self.cache.entry(key.clone());
            let mut unchecked = Unchecked {
                aggregates: self,
                key: &key,
                entry: cached.or_insert_with(|| Arc::new(Entry::new(loaded))).into_value(),
                checked: false,
            };
            // News that came between loading and caching found nothing to drop: look once more, now that it would.
            let durable = self.log.version(tenant, D::TYPE, &id.to_string()).await?;
            if lock(&unchecked.entry.tail).version >= durable {
                unchecked.checked = true;
                return Ok(Arc::clone(&unchecked.entry));
            }
        }
    }

    /// News from the log: an entry that does not know of this event is dropped.
    pub fn invalidate(&self, tenant: &Tenant, id: Uuid, sequence: u64) {
        let key = (tenant.clone(), id);
        if let Some(entry) = self.cache.get(&key)
            && lock(&entry.tail).version < sequence
        {
            entry.break_off();
            self.drop_entry(&key, &entry);
        }
    }

    pub(super) fn drop_entry(&self, key: &Key, entry: &Arc<Entry<D>>) {
        if self.cache.get(key).is_some_and(|cached| Arc::ptr_eq(&cached, entry)) {
            self.cache.invalidate(key);
        }
    }

    /// How many bytes the cache holds, by its own estimate.
    pub fn weighted_size(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.weighted_size()
    }

    /// Stored names of the events that this cache must hear of.
    pub fn event_types() -> impl Iterator<Item = &'static str> {
        D::Event::TYPES.iter().map(|(name, _)| *name)
    }
}
