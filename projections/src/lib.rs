//! The read models and what keeps them true.
//!
//! What lives here: one folder per read model (`projector.rs` folds, `query.rs` reads), the runtime that drives the
//! projectors, rebuild, verify, replay and export; besides, what is no history and no rebuild touches: the queues of what is
//! done outside, and what nodes tell each other. What must not: rules, HTTP, anything in a fold that a replay could not
//! repeat.

pub mod activations;
pub mod anomalies;
pub mod audit_log;
mod backlog;
pub mod customer_directory;
pub mod customer_overview;
pub mod decisions;
mod export;
mod figures;
pub mod heartbeats;
pub mod license_state;
mod metrics;
pub mod nodes;
mod page;
pub mod queues;
mod reader;
pub mod replays;
pub mod resources;
pub mod revocations;
mod runtime;
pub mod search;

pub use backlog::{Backlog, Waiting, backlog};
pub use export::{ExportError, Format, Replayed, TableFile, inert, replay};
pub use figures::Figures;
pub use page::{ListedBy, Page, PageRequest, Place, Total};
pub use reader::{Reader, WaitError};
pub use runtime::{
    Difference, Export, Folding, Progress, ProjectionError, Projector, ProjectorStatus, RunnerSettings, Verified,
    projectors, rebuild, run, status, sweep_scratch, verify,
};
