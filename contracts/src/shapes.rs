//! What texts on the wire can be, for the API's description: each is a text in the structs, so that a client of today reads
//! what a server of tomorrow adds.
#![expect(dead_code, reason = "the description reads their names")]

use serde::Serialize;
use utoipa::ToSchema;

/// How a license stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum LicenseStatus {
    Active,
    Suspended,
    Revoked,
    Expired,
    NotYetValid,
    Retired,
}

/// Whether a resource is in use.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ResourceStatus {
    Active,
    Retired,
}

/// How a machine's seat stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ActivationStatus {
    Active,
    Silent,
    Deactivated,
}

/// How an API key stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ApiKeyStatus {
    Active,
    Expired,
    Revoked,
}

/// What an API key may do.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Scope {
    Client,
    Read,
    Admin,
}

/// What kind of someone acts.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ActorKind {
    ApiKey,
    Activation,
    Operator,
    System,
}

/// What comes next on the way in.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum LoginStep {
    Totp,
    Enroll,
    Done,
}

/// What an operator is in the house.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Role {
    Owner,
    Admin,
    Support,
    Sales,
    Analyst,
    Auditor,
}

/// How an operator stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum OperatorStatus {
    Invited,
    Active,
    Locked,
    Disabled,
}

/// How a session stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    SigningIn,
    Live,
    Ended,
}

/// How a blocked range stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BlockStatus {
    Blocked,
    Over,
    Unblocked,
}

/// Why a session ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum EndReason {
    SignedOut,
    Idle,
    Expired,
    Revoked,
    PasswordChanged,
    OperatorChanged,
}

/// How a release stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ReleaseStatus {
    Published,
    Yanked,
}

/// How a delivery stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DeliveryStatus {
    Pending,
    Delivered,
    Dead,
}

/// How a mail stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum MailStatus {
    Pending,
    Sent,
    Dead,
}

/// What a mail tells of.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum MailKind {
    Expiry,
    Revoked,
    Anomaly,
}

/// How a replay stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ReplayStatus {
    Running,
    Done,
    Failed,
}

/// What is done about a backup.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BackupRunKind {
    Create,
    Verify,
    Files,
    Drill,
}

/// How making or trying a backup stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BackupRunStatus {
    Running,
    Done,
    Failed,
    CutOff,
}

/// The format of a replay's files.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ReplayFormat {
    Parquet,
    Csv,
}

/// How a product writes its versions.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum VersionScheme {
    Semver,
    Numeric,
    Calendar,
}

/// What a license's duration is counted from.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum DurationFrom {
    Creation,
    FirstActivation,
}

/// How grave an anomaly is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
}

/// What was made of an anomaly.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AnomalyState {
    Open,
    Acknowledged,
    Dismissed,
}

/// What a machine wanted that was refused.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Asked {
    Activate,
    Verify,
    Heartbeat,
    Transfer,
}

/// Whether a machine may run, and why not: the first that holds.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Verdict {
    NotFound,
    Revoked,
    Suspended,
    NotYetValid,
    Expired,
    FingerprintRequired,
    FingerprintInsufficient,
    NotActivated,
    HeartbeatDead,
    VersionUnsupported,
    FeatureMissing,
    UsageLimitExceeded,
    ExpiredInGrace,
    Valid,
}

/// A feature: on, off, or on until a time.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FeatureValue {
    Switch(bool),
    Until(Moment),
}

/// An RFC 3339 time.
#[derive(Serialize, ToSchema)]
#[schema(format = DateTime)]
pub(crate) struct Moment(String);

/// What is included of a meter: a hard limit, or one with what happens beyond it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LimitValue {
    Hard(u64),
    Soft(SoftLimit),
}

/// A limit that may be passed: without bound (`overage` is `soft`), or by so many percent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SoftLimit {
    limit: u64,
    overage: Option<Overage>,
    #[schema(minimum = 1, maximum = 1000)]
    overage_percent: Option<u16>,
}

/// How a limit may be passed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overage {
    Hard,
    Soft,
}
