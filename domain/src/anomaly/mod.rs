//! What looks wrong in a license's history, found by stated rules, and what people made of it.

mod command;
mod decide;
mod drift;
mod event;
mod history;
mod rules;
mod state;
mod unusual;

pub use command::AnomalyCommand;
pub use drift::DRIFT_DAYS;
pub use event::{AnomalyEvent, AnomalyFound, AnomalyJudged, Severity};
pub use history::{Daily, Finding, History, NewMachine, Observation, Seen};
pub use rules::{RULES, find};
pub use state::{Anomaly, FoundAnomaly, Judgment};
