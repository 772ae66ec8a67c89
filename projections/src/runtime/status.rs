//! How far each read model has come.

use licet_event_store::EventLog;
use serde::Serialize;

use super::{ProjectionError, projectors};

/// How far one read model has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectorStatus {
    /// Its name.
    pub name: &'static str,
    /// The version of its fold and table.
    pub version: i32,
    /// The last position that it has folded.
    pub position: i64,
    /// The log's head.
    pub head: i64,
    /// Why it has stopped, if it has.
    pub stopped_by: Option<String>,
}

/// Every projector's status.
pub async fn status(log: &EventLog) -> Result<Vec<ProjectorStatus>, ProjectionError> {
    let head = log.position().await?;
    let rows = sqlx::query!("SELECT name, position, stopped_by FROM projector_checkpoints")
        .fetch_all(log.pool())
        .await?;
    let known = |name: &str| rows.iter().find(|row| row.name == name);
    let status = projectors().map(|projector| ProjectorStatus {
        name: projector.name(),
        version: projector.version(),
        position: known(projector.name()).map_or(0, |row| row.position),
        head,
        stopped_by: known(projector.name()).and_then(|row| row.stopped_by.clone()),
    });
    Ok(status.into())
}
