//! What operators do to things that no aggregate's rules decide about: queues and keys. Recorded so that it stands in the
//! log, in the audit trail, under the id of what it was done to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::{Timestamp, WebhookId};

/// The aggregate's name in the log; its id is that of what something was done to.
pub const OPERATION: &str = "operation";

crate::events! {
    /// What operators did beside the rules.
    pub enum OperationEvent {
        /// A new key signs from now on.
        SigningKeyMade(SigningKeyMade) = ("operation.signing_key_made", 1),
        /// A delivery is tried again from the beginning.
        DeliveryResent(DeliveryResent) = ("operation.delivery_resent", 1),
        /// A webhook is sent everything since a position again.
        WebhookReplayed(WebhookReplayed) = ("operation.webhook_replayed", 1),
        /// A mail is tried again from the beginning.
        MailResent(MailResent) = ("operation.mail_resent", 1),
        /// A link was made that lets someone in as an owner.
        SetupLinkMade(SetupLinkMade) = ("operation.setup_link_made", 1),
        /// Whoever has the database has looked at who the operators are.
        OperatorsListed(OperatorsListed) = ("operation.operators_listed", 1),
        /// A backup is made, or one is tried.
        BackupRunStarted(BackupRunStarted) = ("operation.backup_run_started", 1),
        /// A backup was fetched, sealed as it is.
        BackupDownloaded(BackupDownloaded) = ("operation.backup_downloaded", 1),
        /// A backup is deleted.
        BackupDeleted(BackupDeleted) = ("operation.backup_deleted", 1),
    }
}

/// A new signing key was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyMade {
    /// Its id, as in the published key set.
    pub kid: String,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A delivery was put back into its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryResent {
    /// Whose delivery.
    pub webhook_id: WebhookId,
    /// Of which event.
    pub position: i64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A webhook's place in the log was moved back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookReplayed {
    /// Which.
    pub webhook_id: WebhookId,
    /// Everything after this position is sent.
    pub after_position: i64,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A mail was put back into its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailResent {
    /// Which.
    pub mail_id: String,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A setup link was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupLinkMade {
    /// Until when it is good, unless it is used before.
    pub ends_at: Timestamp,
    /// When it was made, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// The operators were listed by whoever has the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorsListed {
    /// When, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// Making a backup, or trying one, was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRunStarted {
    /// Which run.
    pub run_id: Uuid,
    /// `create`, `verify`, `files` or `drill`.
    pub kind: String,
    /// The backup that is tried.
    pub backup_id: Option<String>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A backup was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDownloaded {
    /// Which.
    pub backup_id: String,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A backup was deleted, and the files that no other one has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDeleted {
    /// Which.
    pub backup_id: String,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
