//! The key pairs that sign for a tenant: the newest signs, all of them verify.
//!
//! A new key is published before it is used, so that whoever fetches the key set from one node can verify what another
//! node has signed.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use ed25519_dalek::VerifyingKey;
use licet_domain::values::Timestamp;

use crate::{
    Tenant,
    vault::{Purpose, Signer, Vault, VaultError},
};

/// How often nodes look for new keys.
pub const RELOAD: Duration = Duration::from_secs(2);
/// How long a new key is only published: more than two of those looks.
const PUBLISHED_ONLY_SECONDS: i64 = 5;

/// A key pair with its age.
#[derive(Clone)]
pub struct RingKey {
    /// The pair.
    pub signer: Signer,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The keys as this node knows them; clones share them.
#[derive(Clone)]
pub struct Keyring {
    tenant: Tenant,
    vault: Vault,
    keys: Arc<RwLock<Arc<Vec<RingKey>>>>,
}

impl Keyring {
    /// Opens a tenant's keys; the first is made where there is none.
    pub async fn open(vault: Vault, tenant: Tenant) -> Result<Self, VaultError> {
        vault.key(&tenant, Purpose::Signing, "1").await?;
        let keys = load(&vault, &tenant).await?;
        Ok(Self {
            tenant,
            vault,
            keys: Arc::new(RwLock::new(Arc::new(keys))),
        })
    }

    /// Looks for keys that other nodes have made.
    pub async fn reload(&self) -> Result<(), VaultError> {
        let keys = load(&self.vault, &self.tenant).await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Makes a new key, which signs in a few seconds; the old ones go on verifying.
    pub async fn rotate(&self) -> Result<RingKey, VaultError> {
        let next = self.all().len() + 1;
        self.vault
            .key(&self.tenant, Purpose::Signing, &next.to_string())
            .await?;
        self.reload().await?;
        let newest = self.all().first().cloned();
        newest.ok_or(VaultError::Database(sqlx::Error::RowNotFound))
    }

    /// Every key, newest first.
    pub fn all(&self) -> Arc<Vec<RingKey>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that signs now.
    pub fn signer(&self, now: Timestamp) -> Signer {
        let keys = self.all();
        let old_enough = |key: &&RingKey| key.created_at.plus_seconds(PUBLISHED_ONLY_SECONDS) <= now;
        let chosen = keys.iter().find(old_enough).or(keys.last());
        chosen.expect("a ring is opened with at least one key").signer.clone()
    }

    /// The public halves.
    pub fn verifying(&self) -> Vec<VerifyingKey> {
        self.all().iter().map(|key| *key.signer.public()).collect()
    }
}

async fn load(vault: &Vault, tenant: &Tenant) -> Result<Vec<RingKey>, VaultError> {
    let mut keys = Vec::new();
    for (id, created_at) in vault.key_ids(tenant, Purpose::Signing).await? {
        let seed = vault.key(tenant, Purpose::Signing, &id).await?;
        keys.push(RingKey {
            signer: Signer::new(&seed),
            created_at,
        });
    }
    Ok(keys)
}
