//! Use cases of anomalies.

mod judge;
mod record;
