//! What machines report, in one reading of the log: every beat, when each machine was last heard of, machines and users
//! by hour and day, features by day, meters by billing period, and a license's figures over its whole life.

mod fold;
mod projector;
mod query;
mod standing;
mod tables;

pub(crate) use projector::Heartbeats;
pub use query::{
    ActivityRow, BeatRow, FeatureRow, MeterRow, Range, UsageStats, activity, beats, count_beats, features, meters,
    meters_by_day, stats,
};
pub use standing::{FirstBeat, SilentMachine, first_valid, has_counted, last_seen, silences, used};
