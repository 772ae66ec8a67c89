//! Indexes, and the one transaction that makes a log of the rows.

use licet_domain::values::Timestamp;
use sqlx::{Connection as _, Executor as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{BackupError, BackupManifest, ForgottenKey, RestorePoint, Restored};
use crate::LogTable;

/// Makes the indexes that were set aside, one after the other.
pub(super) async fn make_indexes(connection: &mut PgConnection) -> Result<(), BackupError> {
    loop {
        let mut transaction = connection.begin().await?;
        let next: Option<(i32, String)> =
            sqlx::query_as("SELECT number, statement FROM restore.indexes WHERE NOT made ORDER BY number LIMIT 1")
                .fetch_optional(&mut *transaction)
                .await?;
        let Some((number, statement)) = next else { break };
        transaction.execute("SET LOCAL maintenance_work_mem = '256MB'").await?;
        transaction.execute(statement.as_str()).await?;
        sqlx::query("UPDATE restore.indexes SET made = true WHERE number = $1")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    connection.execute("ANALYZE").await?;
    Ok(())
}

/// Cuts off what is later than asked for, forgets again, gives the log its head and its new id, and writes down that only
/// what comes after the log is left to do.
pub(super) async fn finish(
    connection: &mut PgConnection,
    manifest: &BackupManifest,
    point: RestorePoint,
    ledger: &[ForgottenKey],
) -> Result<Restored, BackupError> {
    let mut transaction = connection.begin().await?;
    let position = match point {
        RestorePoint::Whole => manifest.position,
        RestorePoint::Position(position) => position,
        RestorePoint::Time(time) => last_until(&mut transaction, time).await?,
    };
    if position < manifest.position {
        cut_off(&mut transaction, position).await?;
    }
    // What these fill is in no backup; without a place they begin again.
    transaction
        .execute("DELETE FROM consumers WHERE name LIKE 'search/%' OR name = 'license_counts'")
        .await?;
    let chains = chains_at_end(&mut transaction).await?;
    if position == manifest.position && chains.clone().map(hex::encode) != manifest.chains {
        return Err(BackupError::Mismatch(
            "the last events do not carry the chains that the manifest names".to_owned(),
        ));
    }
    let forgotten = forget_again(&mut transaction, ledger).await?;
    let log_id = set_head(&mut transaction, manifest, position, chains).await?;
    sqlx::query("UPDATE restore.run SET position = $1, log_id = $2, forgotten = $3")
        .bind(position)
        .bind(log_id)
        .bind(serde_json::to_string(&forgotten).map_err(std::io::Error::other)?)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Restored {
        position,
        log_id,
        forgotten,
    })
}

async fn last_until(connection: &mut PgConnection, time: Timestamp) -> Result<i64, BackupError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT max(position) FROM (SELECT max(position) AS position FROM events WHERE recorded_at <= $1
             UNION ALL SELECT max(position) FROM heartbeat_events WHERE recorded_at <= $1
             UNION ALL SELECT max(position) FROM decision_events WHERE recorded_at <= $1
             UNION ALL SELECT max(last_position) FROM archive_segments WHERE last_at <= $1) AS last",
    )
    .bind(OffsetDateTime::from(time))
    .fetch_one(connection)
    .await?;
    found.ok_or_else(|| {
        BackupError::OutOfReach(format!(
            "nothing was recorded until {time}; make the database anew for another moment"
        ))
    })
}

/// Leaves what there was at a position.
async fn cut_off(connection: &mut PgConnection, position: i64) -> Result<(), BackupError> {
    for statement in [
        // Mails about what is cut off: their own time is that of the database's clock, as the events' is.
        "DELETE FROM mails WHERE created_at > (SELECT max(recorded_at) FROM events WHERE position <= $1)",
        "DELETE FROM events WHERE position > $1",
        "DELETE FROM heartbeat_events WHERE position > $1",
        "DELETE FROM decision_events WHERE position > $1",
        "DELETE FROM claims WHERE position > $1",
        "INSERT INTO claims SELECT tenant_id, kind, value_hash, aggregate_id, position FROM released_claims
             WHERE position <= $1 AND released_at > $1",
        "DELETE FROM released_claims WHERE released_at > $1",
        "DELETE FROM idempotency_keys WHERE position > $1",
        "DELETE FROM checkpoints WHERE position > $1",
        "DELETE FROM log_epochs WHERE begun_after > $1",
        "UPDATE log_lineage SET until = least(until, $1)",
        "DELETE FROM webhook_deliveries WHERE position > $1",
        "UPDATE consumers SET position = least(position, $1)",
    ] {
        sqlx::query(statement).bind(position).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The chain of the last event of each table, online or in the archive.
async fn chains_at_end(connection: &mut PgConnection) -> Result<[Vec<u8>; 3], BackupError> {
    let mut chains = [const { Vec::new() }; 3];
    for table in LogTable::ALL {
        let name = table.as_str();
        chains[table as usize] = sqlx::query_scalar(&format!(
            "SELECT coalesce((SELECT chain FROM {name} ORDER BY position DESC LIMIT 1),
                 (SELECT chain_out FROM archive_segments WHERE table_name = $1 ORDER BY last_position DESC LIMIT 1),
                 decode(repeat('00', 32), 'hex'))"
        ))
        .bind(name)
        .fetch_one(&mut *connection)
        .await?;
    }
    Ok(chains)
}

/// Destroys the keys again that were destroyed since the backup was made.
async fn forget_again(
    connection: &mut PgConnection,
    ledger: &[ForgottenKey],
) -> Result<Vec<ForgottenKey>, BackupError> {
    let mut again = Vec::new();
    for key in ledger {
        let destroyed = sqlx::query!(
            r#"UPDATE vault_keys SET wrapped = NULL, destroyed_at = now()
               WHERE tenant_id = $1 AND purpose = $2 AND key_id = $3 AND destroyed_at IS NULL"#,
            key.tenant_id,
            key.purpose,
            key.key_id,
        )
        .execute(&mut *connection)
        .await?;
        if destroyed.rows_affected() > 0 {
            again.push(key.clone());
        }
    }
    Ok(again)
}

/// The head, a new name for the log, and an epoch: what is recorded from here on is told under other ids than what was
/// recorded after this position before.
async fn set_head(
    connection: &mut PgConnection,
    manifest: &BackupManifest,
    position: i64,
    [events, heartbeats, decisions]: [Vec<u8>; 3],
) -> Result<Uuid, BackupError> {
    let log_id: Uuid = sqlx::query_scalar(
        "UPDATE log_head SET log_id = gen_random_uuid(), position = $1, events_chain = $2, heartbeats_chain = $3,
             decisions_chain = $4, recorded_at = coalesce((SELECT max(recorded_at) FROM (
                 SELECT recorded_at FROM events WHERE position = $1
                 UNION ALL SELECT recorded_at FROM heartbeat_events WHERE position = $1
                 UNION ALL SELECT recorded_at FROM decision_events WHERE position = $1) AS last), $5)
         RETURNING log_id",
    )
    .bind(position)
    .bind(events)
    .bind(heartbeats)
    .bind(decisions)
    .bind(OffsetDateTime::from(manifest.recorded_at))
    .fetch_one(&mut *connection)
    .await?;
    begin_epoch(connection, manifest.log_id, position).await?;
    Ok(log_id)
}

/// Remembers what the log was called up to this position, and begins an epoch after it.
async fn begin_epoch(connection: &mut PgConnection, former: Uuid, position: i64) -> Result<(), BackupError> {
    sqlx::query("INSERT INTO log_lineage (log_id, until) VALUES ($1, $2)")
        .bind(former)
        .bind(position)
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO log_epochs (begun_after) VALUES ($1)")
        .bind(position)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// The same for a log that is whole, and ends earlier than it did.
pub(super) async fn begin_anew(
    connection: &mut PgConnection,
    ledger: &[ForgottenKey],
) -> Result<Restored, BackupError> {
    let mut transaction = connection.begin().await?;
    let (former, position): (Uuid, i64) = sqlx::query_as("SELECT log_id, position FROM log_head FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await?;
    let forgotten = forget_again(&mut transaction, ledger).await?;
    let log_id = sqlx::query_scalar("UPDATE log_head SET log_id = gen_random_uuid() RETURNING log_id")
        .fetch_one(&mut *transaction)
        .await?;
    begin_epoch(&mut transaction, former, position).await?;
    transaction.commit().await?;
    Ok(Restored {
        position,
        log_id,
        forgotten,
    })
}
