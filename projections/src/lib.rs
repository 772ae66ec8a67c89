//! The read models and what keeps them true.
//!
//! What lives here: one folder per read model (`projector.rs` folds, `query.rs` reads), the runtime that drives the
//! projectors, rebuild, verify, replay and export. What must not: rules, HTTP, anything that a replay could not repeat.

pub mod activations;
pub mod anomalies;
pub mod audit_log;
pub mod decisions;
mod export;
pub mod heartbeats;
pub mod license_state;
mod metrics;
mod page;
mod reader;
pub mod replays;
pub mod resources;
pub mod revocations;
mod runtime;

pub use export::{ExportError, Format, Replayed, TableFile, replay};
pub use page::{Page, PageRequest, Place, Total};
pub use reader::{Reader, WaitError};
pub use runtime::{
    Difference, Export, Folding, Progress, ProjectionError, Projector, ProjectorStatus, RunnerSettings, Verified,
    projectors, rebuild, run, status, sweep_scratch, verify,
};
