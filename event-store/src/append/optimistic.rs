//! Beats in one statement, for a node that has the log to itself.
//!
//! Whoever knows where the log stands can make the links before asking for the lock: the statement moves the head only from
//! where it was expected, and writes nothing where it is elsewhere. Beats rest on nothing else, so there is nothing to look
//! up under the lock. One round trip instead of three, and the lock is held only while the database writes.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Batch, Head, LastHead};
use crate::envelope::LogTable;

impl Batch {
    /// Writes beats behind where this node left the log, and answers what the database's clock says; `None`, and nothing
    /// written, when another node has appended since, or when that clock is not where it was thought to be.
    pub(crate) async fn append_beats_optimistically(
        &self,
        connection: &mut PgConnection,
        last: &LastHead,
    ) -> sqlx::Result<Option<OffsetDateTime>> {
        let columns = &self.tables[LogTable::Heartbeats as usize];
        let chain = |head: &Head| head.chains[LogTable::Heartbeats as usize].to_vec();
        let written = sqlx::query!(
            r#"WITH head AS (
                   UPDATE log_head SET position = $14, recorded_at = $13, heartbeats_chain = $15
                   WHERE position = $16 AND heartbeats_chain = $17
                     AND $13 BETWEEN clock_timestamp() - interval '100 milliseconds' AND clock_timestamp() + interval '100 milliseconds'
                   RETURNING position
               ), written AS (
                   INSERT INTO heartbeat_events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, recorded_at, chain)
                   SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json, row.position, tenant_id, command_id, command_index, $13, chain
                   FROM head, unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::uuid[], $11::integer[], $12::bytea[])
                       AS row (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, chain)
               )
               SELECT clock_timestamp() AS "clock!", pg_notify('licet_log', position::text) IS NULL AS told FROM head"#,
            &columns.aggregate_types,
            &columns.aggregate_ids,
            &columns.sequences,
            &columns.event_types,
            &columns.event_versions,
            &columns.payloads,
            &columns.metadata,
            &columns.positions,
            &columns.tenant_ids,
            &columns.command_ids,
            &columns.command_indexes,
            &columns.chains,
            self.head.recorded_at,
            self.head.position,
            chain(&self.head),
            last.head().position,
            chain(last.head()),
        )
        .fetch_optional(connection)
        .await?;
        Ok(written.map(|head| head.clock))
    }
}
