//! What looks wrong in a license's history, found by stated rules, and what people made of it.

mod command;
mod decide;
mod event;
mod rejection;
mod rules;
mod state;

pub use command::AnomalyCommand;
pub use event::{AnomalyEvent, AnomalyFound, AnomalyJudged, Severity};
pub use rejection::AnomalyRejection;
pub use rules::{Came, DRIFT_DAYS, Daily, Finding, History, Observation, Seen, find};
pub use state::{Anomaly, FoundAnomaly, Judgment};
