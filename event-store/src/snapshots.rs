//! Loading an aggregate: from a snapshot where there is a usable one, and the events after it.
//!
//! Snapshots are a cache: disposable, and read only when the state's schema is the one of this program.

use futures::TryStreamExt as _;
use licet_domain::{Decider, EventData as _};
use uuid::Uuid;

use crate::{EventLog, ReadError, RecordedRow, Tenant, Versioned, upcast};

/// After how many events beyond the last one a new snapshot is written.
const SNAPSHOT_INTERVAL: u64 = 500;

/// The state of now.
pub(crate) async fn load<D: Decider>(
    log: &EventLog,
    tenant: &Tenant,
    id: Uuid,
) -> Result<Versioned<D::State>, ReadError> {
    let snapshot = read::<D>(log, tenant, id, i64::MAX).await?;
    let covered = snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
    let loaded = fold::<D>(log, tenant, id, snapshot, i64::MAX).await?;
    if loaded.version >= covered + SNAPSHOT_INTERVAL
        && let Err(error) = write::<D>(log, tenant, id, &loaded).await
    {
        tracing::warn!(%error, aggregate = D::TYPE, "a snapshot could not be written; loading works without");
    }
    Ok(loaded)
}

/// The state as of a position.
pub(crate) async fn replay<D: Decider>(
    log: &EventLog,
    tenant: &Tenant,
    id: Uuid,
    until: i64,
) -> Result<Versioned<D::State>, ReadError> {
    let snapshot = read::<D>(log, tenant, id, until).await?;
    fold::<D>(log, tenant, id, snapshot, until).await
}

async fn fold<D: Decider>(
    log: &EventLog,
    tenant: &Tenant,
    id: Uuid,
    from: Option<Versioned<D::State>>,
    until: i64,
) -> Result<Versioned<D::State>, ReadError> {
    let mut folded = from.unwrap_or_else(|| Versioned {
        state: D::State::default(),
        version: 0,
        position: 0,
    });
    let id = id.to_string();
    let mut rows = std::pin::pin!(log.history(tenant, D::TYPE, &id, folded.version as i64, until, None));
    while let Some(row) = rows.try_next().await? {
        let event = decode_row::<D>(&row)?;
        folded.state = D::evolve(folded.state, &event);
        (folded.version, folded.position) = (row.sequence()? as u64, row.position()?);
    }
    Ok(folded)
}

fn decode_row<D: Decider>(row: &RecordedRow) -> Result<D::Event, ReadError> {
    debug_assert!(
        D::Event::TYPES.iter().all(|(name, _)| name.starts_with(D::TYPE)),
        "events carry their aggregate's name"
    );
    let position = row.position()?;
    upcast::decode(row.event_type()?, row.event_version()?, row.payload()?)
        .map_err(|cause| ReadError::Decode { position, cause })
}

/// The snapshot, where it is not of after a position.
async fn read<D: Decider>(
    log: &EventLog,
    tenant: &Tenant,
    id: Uuid,
    until: i64,
) -> sqlx::Result<Option<Versioned<D::State>>> {
    let row = sqlx::query!(
        r#"SELECT sequence, position, state FROM snapshots
           WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3 AND state_schema = $4 AND position <= $5"#,
        tenant.as_str(),
        D::TYPE,
        id.to_string(),
        D::STATE_SCHEMA,
        until,
    )
    .fetch_optional(log.pool())
    .await?;
    Ok(row.and_then(|row| {
        // One that does not parse is as good as none.
        let state = serde_json::from_slice(&row.state).ok()?;
        Some(Versioned {
            state,
            version: row.sequence as u64,
            position: row.position,
        })
    }))
}

async fn write<D: Decider>(
    log: &EventLog,
    tenant: &Tenant,
    id: Uuid,
    loaded: &Versioned<D::State>,
) -> sqlx::Result<()> {
    let state = serde_json::to_vec(&loaded.state).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        r#"INSERT INTO snapshots (tenant_id, aggregate_type, aggregate_id, state_schema, sequence, position, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET state_schema = excluded.state_schema,
               sequence = excluded.sequence, position = excluded.position, state = excluded.state
           WHERE snapshots.sequence < excluded.sequence OR snapshots.state_schema <> excluded.state_schema"#,
        tenant.as_str(),
        D::TYPE,
        id.to_string(),
        D::STATE_SCHEMA,
        loaded.version as i64,
        loaded.position,
        state,
    )
    .execute(log.pool())
    .await?;
    Ok(())
}
