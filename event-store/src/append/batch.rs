//! Everything that one transaction writes.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Head;
use crate::{
    Tenant,
    chain::{self, Fields},
    envelope::{LogTable, NewEvent},
    holds,
    submission::{Appended, Claim, IdempotentAnswer, Release, Submission},
    vault::{self, Purpose},
};

/// The rows of one table, column by column, as `unnest` takes them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) aggregate_types: Vec<String>,
    pub(super) aggregate_ids: Vec<String>,
    pub(super) sequences: Vec<i64>,
    pub(super) event_types: Vec<String>,
    pub(super) event_versions: Vec<String>,
    pub(super) payloads: Vec<String>,
    pub(super) metadata: Vec<String>,
    pub(super) positions: Vec<i64>,
    pub(super) tenant_ids: Vec<String>,
    pub(super) command_ids: Vec<Uuid>,
    pub(super) command_indexes: Vec<i32>,
    pub(super) chains: Vec<Vec<u8>>,
}

/// Everything that one transaction writes, with positions and links given out.
pub(crate) struct Batch {
    pub(super) head: Head,
    /// What the database's clock says; the log's own time may be ahead of it.
    clock: OffsetDateTime,
    pub(super) tables: [Columns; 3],
    claims: Vec<(String, Claim, i64)>,
    releases: Vec<(String, Release, i64)>,
    forgets: Vec<(Tenant, Uuid)>,
    answers: Vec<(String, IdempotentAnswer, i64)>,
    holds: holds::Changes,
}

impl Batch {
    /// Continues the log from its head; time never runs backwards in it.
    pub(crate) fn after(head: &Head, now: OffsetDateTime) -> Self {
        let recorded_at = head.recorded_at.max(now);
        Self {
            head: Head {
                recorded_at,
                ..head.clone()
            },
            clock: now,
            tables: Default::default(),
            claims: Vec::new(),
            releases: Vec::new(),
            forgets: Vec::new(),
            answers: Vec::new(),
            holds: holds::Changes::default(),
        }
    }

    /// Where the log will stand.
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Gives a submission its positions.
    pub(crate) fn add(&mut self, submission: &Submission) -> Appended {
        let metadata = submission.metadata.encode();
        let mut command_index = 0;
        for stream in &submission.streams {
            for (offset, event) in stream.events.iter().enumerate() {
                let sequence = match stream.table {
                    LogTable::Events => (stream.expected_version + offset as u64 + 1) as i64,
                    LogTable::Heartbeats | LogTable::Decisions => self.head.position + 1,
                };
                let place = (
                    stream.table,
                    stream.aggregate_type,
                    stream.aggregate_id.as_str(),
                    sequence,
                    command_index,
                );
                self.push(submission, place, event, &metadata);
                command_index += 1;
            }
        }
        let tenant = || submission.tenant.as_str().to_owned();
        let position = self.head.position;
        for release in &submission.releases {
            // What was taken in this batch and is free again is never written.
            self.claims.retain(|(tenant, claim, _)| {
                (tenant.as_str(), claim.kind, &claim.value_hash)
                    != (submission.tenant.as_str(), release.kind, &release.value_hash)
            });
            self.releases.push((tenant(), release.clone(), position));
        }
        self.claims.extend(
            submission
                .claims
                .iter()
                .map(|claim| (tenant(), claim.clone(), position)),
        );
        let forgets = submission.forgets.iter();
        self.forgets
            .extend(forgets.map(|person| (submission.tenant.clone(), *person)));
        self.answers.extend(
            submission
                .idempotency
                .iter()
                .map(|answer| (tenant(), answer.clone(), answer.position.unwrap_or(position))),
        );
        self.holds.add(submission);
        Appended {
            position,
            recorded_at: self.head.recorded_at.into(),
        }
    }

    fn push(
        &mut self,
        submission: &Submission,
        (table, aggregate_type, aggregate_id, sequence, command_index): (LogTable, &str, &str, i64, i32),
        event: &NewEvent,
        metadata: &str,
    ) {
        self.head.position += 1;
        let event_version = event.event_version.to_string();
        let fields = Fields {
            position: self.head.position,
            aggregate_type,
            aggregate_id,
            sequence,
            event_type: event.event_type,
            event_version: &event_version,
            payload: &event.payload,
            metadata,
            tenant_id: submission.tenant.as_str(),
            command_id: submission.command_id,
            command_index,
            recorded_at: self.head.recorded_at,
        };
        let link = chain::link(&self.head.chains[table as usize], &fields);
        self.head.chains[table as usize] = link;
        let columns = &mut self.tables[table as usize];
        columns.aggregate_types.push(aggregate_type.to_owned());
        columns.aggregate_ids.push(aggregate_id.to_owned());
        columns.sequences.push(sequence);
        columns.event_types.push(event.event_type.to_owned());
        columns.event_versions.push(event_version);
        columns.payloads.push(event.payload.clone());
        columns.metadata.push(metadata.to_owned());
        columns.positions.push(self.head.position);
        columns.tenant_ids.push(submission.tenant.as_str().to_owned());
        columns.command_ids.push(submission.command_id);
        columns.command_indexes.push(command_index);
        columns.chains.push(link.to_vec());
    }

    /// Writes everything, moves the head, wakes the readers and commits.
    pub(crate) async fn write(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        for table in LogTable::ALL {
            let columns = &self.tables[table as usize];
            if !columns.positions.is_empty() {
                insert_events(connection, table, columns, self.head.recorded_at).await?;
            }
        }
        self.write_claims(connection).await?;
        for (tenant, person) in &self.forgets {
            vault::destroy(&mut *connection, tenant, Purpose::Person, &person.to_string()).await?;
        }
        self.write_answers(connection).await?;
        self.holds.write(connection, self.clock).await?;
        self.head.publish(connection).await
    }

    async fn write_claims(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        for (tenant, release, position) in &self.releases {
            sqlx::query!(
                r#"WITH released AS (DELETE FROM claims WHERE tenant_id = $1 AND kind = $2 AND value_hash = $3 RETURNING *)
                   INSERT INTO released_claims (tenant_id, kind, value_hash, aggregate_id, position, released_at)
                   SELECT tenant_id, kind, value_hash, aggregate_id, position, $4 FROM released"#,
                tenant,
                release.kind,
                &release.value_hash[..],
                position,
            )
            .execute(&mut *connection)
            .await?;
        }
        if self.claims.is_empty() {
            return Ok(());
        }
        let tenants: Vec<String> = self.claims.iter().map(|(tenant, ..)| tenant.clone()).collect();
        let kinds: Vec<String> = self.claims.iter().map(|(_, claim, _)| claim.kind.to_owned()).collect();
        let hashes: Vec<Vec<u8>> = self
            .claims
            .iter()
            .map(|(_, claim, _)| claim.value_hash.to_vec())
            .collect();
        let holders: Vec<String> = self
            .claims
            .iter()
            .map(|(_, claim, _)| claim.aggregate_id.clone())
            .collect();
        let positions: Vec<i64> = self.claims.iter().map(|(.., position)| *position).collect();
        sqlx::query!(
            r#"INSERT INTO claims (tenant_id, kind, value_hash, aggregate_id, position)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[])"#,
            &tenants,
            &kinds,
            &hashes,
            &holders,
            &positions,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn write_answers(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        for (tenant, answer, position) in &self.answers {
            // Overwrites only what has run out: living answers were refused under the lock.
            sqlx::query!(
                r#"INSERT INTO idempotency_keys (tenant_id, scope_hash, request_hash, status, response, position, recorded_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)
                   ON CONFLICT (tenant_id, scope_hash) DO UPDATE SET request_hash = excluded.request_hash,
                       status = excluded.status, response = excluded.response, position = excluded.position,
                       recorded_at = excluded.recorded_at"#,
                tenant,
                &answer.scope_hash[..],
                &answer.request_hash[..],
                answer.status as i16,
                answer.response,
                position,
                self.head.recorded_at,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

async fn insert_events(
    connection: &mut PgConnection,
    table: LogTable,
    columns: &Columns,
    recorded_at: OffsetDateTime,
) -> sqlx::Result<()> {
    macro_rules! insert_into {
        ($table:literal) => {
            sqlx::query!(
                "INSERT INTO " + $table + " (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, recorded_at, chain)
                 SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json, position, tenant_id, command_id, command_index, $13, chain
                 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::uuid[], $11::integer[], $12::bytea[])
                     AS row (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, position, tenant_id, command_id, command_index, chain)",
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
                recorded_at,
            )
            .execute(connection)
            .await?
        };
    }
    let written = match table {
        LogTable::Events => insert_into!("events"),
        LogTable::Heartbeats => insert_into!("heartbeat_events"),
        LogTable::Decisions => insert_into!("decision_events"),
    };
    if written.rows_affected() != columns.positions.len() as u64 {
        return Err(sqlx::Error::Protocol(
            "fewer rows were written than handed in".to_owned(),
        ));
    }
    Ok(())
}
