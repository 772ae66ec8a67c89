//! Who was forgotten: a ledger beside the backups, so that a restore of an older one forgets them again.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{BackupError, BackupKeys, BackupStore, RunKind, runs};

pub(super) const LEDGER: &str = "forgotten.age";

/// A key of the vault that was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForgottenKey {
    /// Whose data it is.
    pub tenant_id: String,
    /// What the key was for, such as `person`.
    pub purpose: String,
    /// Its name; a person's is the person's id.
    pub key_id: String,
}

/// Adds what was destroyed in the database to the ledger of the store that the last backup went to; to no other, which a
/// volume that is not mounted would be.
pub async fn keep_forgotten(pool: &PgPool, store: &BackupStore, keys: &BackupKeys) -> Result<(), BackupError> {
    let before = runs::last(pool, RunKind::Create).await?.store_id;
    if before.is_none() || store.id().await? != before {
        return Ok(());
    }
    keep(pool, store, keys).await.map(drop)
}

/// Adds what was destroyed in the database. What stands in the ledger stays. Answers how many it has.
pub(super) async fn keep(pool: &PgPool, store: &BackupStore, keys: &BackupKeys) -> Result<usize, BackupError> {
    let destroyed = sqlx::query_as!(
        ForgottenKey,
        "SELECT tenant_id, purpose, key_id FROM vault_keys WHERE destroyed_at IS NOT NULL"
    )
    .fetch_all(pool)
    .await?;
    let known = read(store, keys).await?;
    let mut all: Vec<ForgottenKey> = known.iter().cloned().chain(destroyed).collect();
    all.sort_unstable();
    all.dedup();
    if all.len() > known.len() {
        let text = serde_json::to_vec(&all).map_err(std::io::Error::other)?;
        store.put(LEDGER, keys.seal(&text)?).await?;
    }
    Ok(all.len())
}

/// What the ledger has.
pub(super) async fn read(store: &BackupStore, keys: &BackupKeys) -> Result<Vec<ForgottenKey>, BackupError> {
    let Some(sealed) = store.find(LEDGER).await? else {
        return Ok(Vec::new());
    };
    let touched = |_| BackupError::Touched(LEDGER.to_owned());
    let text = keys.open(&sealed).map_err(touched)?;
    serde_json::from_slice(&text).map_err(|_| BackupError::Touched(LEDGER.to_owned()))
}
