//! Signed statements of where the log stands. Kept, published and put into every backup: whoever has one can prove
//! that the newest events were not cut off.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{EventLog, epochs::Epochs, jws, vault::Signer};

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which log.
    pub log_id: Uuid,
    /// The epoch in which the position was told; absent in what was signed before there were epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Uuid>,
    /// How far it had come.
    pub position: i64,
    /// The chain of `events` there, in base64url.
    pub events_chain: String,
    /// The chain of `heartbeat_events`.
    pub heartbeats_chain: String,
    /// The chain of `decision_events`.
    pub decisions_chain: String,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// Why no checkpoint was made.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoint could not be kept")]
pub struct CheckpointError(#[from] sqlx::Error);

const CHECKPOINT_TYPE: &str = "licet-checkpoint+jwt";

/// Reads a checkpoint that one of these keys signed.
pub fn verify(text: &str, keys: &[VerifyingKey]) -> Option<Checkpoint> {
    jws::verify(text.trim(), CHECKPOINT_TYPE, keys)
}

impl EventLog {
    /// Signs where the log stands now and keeps it; `None` when the newest one says so already.
    pub async fn sign_checkpoint(
        &self,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let head =
            sqlx::query!("SELECT log_id, position, events_chain, heartbeats_chain, decisions_chain FROM log_head")
                .fetch_one(self.pool())
                .await?;
        if head.position == 0 {
            return Ok(None);
        }
        let checkpoint = Checkpoint {
            log_id: head.log_id,
            epoch: Some(Epochs::read(self.pool()).await?.of(head.position).id),
            position: head.position,
            events_chain: URL_SAFE_NO_PAD.encode(head.events_chain),
            heartbeats_chain: URL_SAFE_NO_PAD.encode(head.heartbeats_chain),
            decisions_chain: URL_SAFE_NO_PAD.encode(head.decisions_chain),
            signed_at: now,
        };
        let kept = sqlx::query!(
            "INSERT INTO checkpoints (log_id, position, signed_at, checkpoint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            checkpoint.log_id,
            checkpoint.position,
            time::OffsetDateTime::from(now),
            jws::sign(CHECKPOINT_TYPE, &checkpoint, signer),
        )
        .execute(self.pool())
        .await?;
        Ok((kept.rows_affected() == 1).then_some(checkpoint))
    }

    /// The newest signed checkpoint, in compact form.
    pub async fn newest_checkpoint(&self) -> Result<Option<String>, CheckpointError> {
        Ok(
            sqlx::query_scalar!("SELECT checkpoint FROM checkpoints ORDER BY signed_at DESC, position DESC LIMIT 1")
                .fetch_optional(self.pool())
                .await?,
        )
    }

    /// Every kept checkpoint of the log, under all its names, oldest first, in compact form.
    pub(crate) async fn checkpoints(&self) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar!(
            "SELECT checkpoint FROM checkpoints c WHERE log_id = (SELECT log_id FROM log_head)
                 OR EXISTS (SELECT FROM log_lineage l WHERE l.log_id = c.log_id AND c.position <= l.until)
             ORDER BY position"
        )
        .fetch_all(self.pool())
        .await
    }
}
