//! Drives projectors: living beside the log, rebuilt, verified.

mod copy;
mod fold;
mod living;
mod projector;
mod projector_set;
mod rebuild;
mod scratch;
mod status;
mod verify;

pub(crate) use copy::{CopyRows, column, copy_rows};
pub(crate) use fold::fold;
pub use living::{RunnerSettings, run};
pub use projector::{Export, Folding, Projector};
pub(crate) use projector::{RowProjector, Rows};
pub use rebuild::rebuild;
pub use scratch::sweep_scratch;
pub(crate) use scratch::{Purpose, Scratch};
pub use status::{ProjectorStatus, status};
pub use verify::{Difference, Verified, verify};

use licet_event_store::ReadError;

/// Every projector, by name.
pub fn projectors() -> [&'static dyn Projector; 6] {
    [
        &Rows::<crate::license_state::LicenseState>::NEW,
        &Rows::<crate::activations::Activations>::NEW,
        &Rows::<crate::audit_log::AuditLog>::NEW,
        &Rows::<crate::resources::Resources>::NEW,
        &crate::heartbeats::Heartbeats,
        &Rows::<crate::decisions::Decisions>::NEW,
    ]
}

fn names() -> String {
    projectors().map(Projector::name).join(", ")
}

/// Hears how far long work is: the position reached and the one aimed at.
pub type Progress<'a> = &'a (dyn Fn(i64, i64) + Send + Sync);

/// Why a projector stopped. It never skips.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The log could not be read, has a gap, or holds what this program cannot read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no projector of that name.
    #[error("there is no read model {0:?}; there are {known}", known = names())]
    Unknown(String),
    /// Another node moved the checkpoint meanwhile; nothing was written.
    #[error("another node projects {0} at the same time")]
    Contended(String),
    /// A fold has a bug; what it said.
    #[error("the projector panicked: {0}")]
    Panicked(String),
}

impl From<sqlx::Error> for ProjectionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Read(error.into())
    }
}
