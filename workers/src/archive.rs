//! Puts the months that are over into the archive and drops them from online storage.

use licet_commands::Platform;
use licet_event_store::{Keyring, LogTable, archive, archive::ArchivedTable};
use licet_projections::status;

use crate::WorkerError;

/// For how many days a month stays online after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Heartbeats, and the read model that has one row for each.
    pub heartbeat_days: u32,
    /// Refusals.
    pub decision_days: u32,
}

impl Retention {
    /// What leaves online storage, and when.
    pub fn archived_tables(self) -> [ArchivedTable; 3] {
        [
            ArchivedTable::read_model("license_heartbeats", LogTable::Heartbeats, self.heartbeat_days),
            ArchivedTable::log(LogTable::Heartbeats, self.heartbeat_days),
            ArchivedTable::log(LogTable::Decisions, self.decision_days),
        ]
    }
}

/// Archives what is due. What a projector has not folded yet stays. `told` hears of each file how many rows it has so far.
pub async fn turn(
    platform: &Platform,
    keyring: &Keyring,
    retention: Retention,
    told: impl FnMut(&str, i64) + Send,
) -> Result<archive::Archived, WorkerError> {
    let failed = WorkerError::of("archiving");
    let all = match status(&platform.log).await {
        Ok(all) => all,
        Err(error) => return Err(failed(error.into())),
    };
    let settled = all.iter().map(|one| one.position).min().unwrap_or(0);
    let signer = keyring.signer(platform.edge.now());
    let ran = archive::run(&platform.log, &retention.archived_tables(), (&signer, settled), told).await;
    ran.map_err(|error| failed(error.into()))
}
