//! Why a command did not happen.

use licet_domain::{Kind, ResourceRejection, license::LicenseRejection, values::ValueError};
use licet_event_store::{AppendError, ExecuteError, ReadError, vault::VaultError};

/// Why a command did not happen. Nothing of it was recorded.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Fields of the request are wrong.
    #[error("the request has fields that are not valid")]
    Invalid(Vec<FieldError>),
    /// A unique value belongs to something else.
    #[error("the {} is taken", in_words(.0))]
    Taken(&'static str),
    /// The resource has changed since the caller read it.
    #[error("the resource has changed since it was read")]
    Stale,
    /// A resource's rules said no.
    #[error(transparent)]
    Resource(#[from] ResourceRejection),
    /// A license's rules said no.
    #[error(transparent)]
    License(#[from] LicenseRejection),
    /// A beat counts a meter that the license does not have.
    #[error("the license has no meter {0:?}")]
    MeterUnknown(String),
    /// The program's version cannot be read by its product's scheme.
    #[error("app_version: {0}")]
    VersionInvalid(ValueError),
    /// A request with the same idempotency key was faster.
    #[error("a request with the same idempotency key was faster")]
    IdempotencyTaken,
    /// Others changed the same thing again and again.
    #[error("too many others change this at the same time")]
    Contended,
    /// Too much is waiting.
    #[error("too much is waiting")]
    Overloaded,
    /// The log cannot be reached.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The history could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault did not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl CommandError {
    /// What the request names does not exist.
    pub fn not_found(kind: Kind) -> Self {
        ResourceRejection::NotFound(kind).into()
    }

    /// What the request names is out of use.
    pub(crate) fn retired(kind: Kind) -> Self {
        ResourceRejection::Retired(kind).into()
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// A stable code.
    pub code: &'static str,
    /// What would be right.
    pub detail: String,
}

impl FieldError {
    /// Names the field that a value was refused for.
    pub fn of(field: &str, error: ValueError) -> Self {
        Self {
            pointer: format!("/{field}"),
            code: error.code,
            detail: error.detail,
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => Self::Contended,
            AppendError::ClaimTaken { kind, .. } => Self::Taken(kind),
            AppendError::HoldChanged(_) => Self::Contended,
            AppendError::IdempotencyTaken => Self::IdempotencyTaken,
            AppendError::Overloaded => Self::Overloaded,
            AppendError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<ExecuteError<Self>> for CommandError {
    fn from(error: ExecuteError<Self>) -> Self {
        match error {
            ExecuteError::Rejected(rejection) => rejection,
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Read(error) => error.into(),
        }
    }
}

/// A claim's kind as people say it: `product_code` is a product code.
fn in_words(kind: &str) -> String {
    kind.replace('_', " ")
}
