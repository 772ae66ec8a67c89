//! The statements of one append transaction. The order matters: lock the head, look in a fresh statement, write, commit.

use std::collections::{HashMap, HashSet};

use sqlx::{Executor as _, PgConnection, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    chain::{self, Fields, Link},
    envelope::{LogTable, NewEvent},
    holds,
    submission::{Appended, Claim, IdempotentAnswer, Release, Submission},
};

/// For how long a repeated request gets the first answer again.
pub(crate) const IDEMPOTENCY_HOURS: i64 = 24;

/// Where the log stands, read under its lock.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) position: i64,
    pub(crate) recorded_at: OffsetDateTime,
    pub(crate) chains: [Link; 3],
}

/// Begins the transaction and takes the lock that orders all commits, in one round trip.
pub(crate) async fn lock_head(connection: &mut PgConnection) -> sqlx::Result<Head> {
    // The simple protocol answers text: microseconds are read more safely than a formatted time.
    let statement = "BEGIN; SELECT position, (extract(epoch FROM recorded_at) * 1000000)::bigint, events_chain, \
                     heartbeats_chain, decisions_chain FROM log_head FOR UPDATE";
    let row = connection.fetch_one(statement).await?;
    let chain = |index: usize| -> sqlx::Result<Link> {
        let bytes: Vec<u8> = row.try_get(index)?;
        bytes
            .try_into()
            .map_err(|_| sqlx::Error::Protocol("a chain in log_head has not 32 bytes".to_owned()))
    };
    let micros: i64 = row.try_get(1)?;
    let recorded_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000);
    Ok(Head {
        position: row.try_get(0)?,
        recorded_at: recorded_at.map_err(|error| sqlx::Error::Decode(error.into()))?,
        chains: [chain(2)?, chain(3)?, chain(4)?],
    })
}

/// What the checks need to know, read after the lock was taken.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) versions: HashMap<(String, String), u64>,
    pub(crate) claims: HashMap<(String, String, Vec<u8>), String>,
    pub(crate) answered: HashSet<(String, Vec<u8>)>,
    pub(crate) holds: holds::Known,
}

/// Reads the database's clock, the versions of the streams, who holds the claimed values, and which requests were
/// answered already.
pub(crate) async fn look_up(
    connection: &mut PgConnection,
    submissions: &[&Submission],
) -> sqlx::Result<(OffsetDateTime, Facts)> {
    let mut facts = Facts::default();
    let now = look_up_versions(connection, submissions, &mut facts).await?;
    let claims: Vec<(&Submission, &Claim)> = submissions
        .iter()
        .flat_map(|s| s.claims.iter().map(move |claim| (*s, claim)))
        .collect();
    if !claims.is_empty() {
        let tenants: Vec<String> = claims.iter().map(|(s, _)| s.tenant.as_str().to_owned()).collect();
        let kinds: Vec<String> = claims.iter().map(|(_, claim)| claim.kind.to_owned()).collect();
        let hashes: Vec<Vec<u8>> = claims.iter().map(|(_, claim)| claim.value_hash.to_vec()).collect();
        let rows = sqlx::query!(
            r#"SELECT c.tenant_id, c.kind, c.value_hash, c.aggregate_id
               FROM unnest($1::text[], $2::text[], $3::bytea[]) AS wanted (tenant_id, kind, value_hash)
               JOIN claims c USING (tenant_id, kind, value_hash)"#,
            &tenants,
            &kinds,
            &hashes,
        )
        .fetch_all(&mut *connection)
        .await?;
        facts.claims.extend(
            rows.into_iter()
                .map(|row| ((row.tenant_id, row.kind, row.value_hash), row.aggregate_id)),
        );
    }
    let answers: Vec<(&Submission, &IdempotentAnswer)> = submissions
        .iter()
        .filter_map(|s| s.idempotency.as_ref().map(|answer| (*s, answer)))
        .collect();
    if !answers.is_empty() {
        let tenants: Vec<String> = answers.iter().map(|(s, _)| s.tenant.as_str().to_owned()).collect();
        let scopes: Vec<Vec<u8>> = answers.iter().map(|(_, answer)| answer.scope_hash.to_vec()).collect();
        let rows = sqlx::query!(
            r#"SELECT k.tenant_id, k.scope_hash
               FROM unnest($1::text[], $2::bytea[]) AS wanted (tenant_id, scope_hash)
               JOIN idempotency_keys k USING (tenant_id, scope_hash)
               WHERE k.recorded_at > $3"#,
            &tenants,
            &scopes,
            now - time::Duration::hours(IDEMPOTENCY_HOURS),
        )
        .fetch_all(&mut *connection)
        .await?;
        facts
            .answered
            .extend(rows.into_iter().map(|row| (row.tenant_id, row.scope_hash)));
    }
    facts.holds = holds::look_up(connection, submissions, now).await?;
    Ok((now, facts))
}

async fn look_up_versions(
    connection: &mut PgConnection,
    submissions: &[&Submission],
    facts: &mut Facts,
) -> sqlx::Result<OffsetDateTime> {
    let mut wanted: HashSet<(&str, &str)> = HashSet::new();
    for submission in submissions {
        let written = submission
            .streams
            .iter()
            .filter(|stream| stream.table == LogTable::Events);
        wanted.extend(written.map(|stream| (stream.aggregate_type, stream.aggregate_id.as_str())));
        wanted.extend(submission.preconditions.iter().filter_map(|condition| match condition {
            crate::Precondition::StreamUnchanged {
                aggregate_type,
                aggregate_id,
                ..
            } => Some((*aggregate_type, aggregate_id.as_str())),
            crate::Precondition::HoldExpired { .. } => None,
        }));
    }
    let (types, ids): (Vec<String>, Vec<String>) = wanted
        .iter()
        .map(|(kind, id)| (kind.to_string(), id.to_string()))
        .unzip();
    // One row more than streams, so that the clock is answered even when no stream is asked about.
    let rows = sqlx::query!(
        r#"SELECT clock_timestamp() AS "now!", s.aggregate_type AS "aggregate_type?", s.aggregate_id AS "aggregate_id?",
                  coalesce((SELECT max(e.sequence) FROM events e
                            WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id), 0) AS "version!"
           FROM (SELECT * FROM unnest($1::text[], $2::text[]) UNION ALL SELECT NULL, NULL) AS s (aggregate_type, aggregate_id)"#,
        &types,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let now = rows.first().map(|row| row.now).ok_or(sqlx::Error::RowNotFound)?;
    facts.versions.extend(
        rows.into_iter()
            .filter_map(|row| Some(((row.aggregate_type?, row.aggregate_id?), row.version as u64))),
    );
    Ok(now)
}

/// The rows of one table, column by column, as `unnest` takes them.
#[derive(Default)]
struct Columns {
    aggregate_types: Vec<String>,
    aggregate_ids: Vec<String>,
    sequences: Vec<i64>,
    event_types: Vec<String>,
    event_versions: Vec<String>,
    payloads: Vec<String>,
    metadata: Vec<String>,
    positions: Vec<i64>,
    tenant_ids: Vec<String>,
    command_ids: Vec<Uuid>,
    command_indexes: Vec<i32>,
    chains: Vec<Vec<u8>>,
}

/// Everything that one transaction writes, with positions and links given out.
pub(crate) struct Batch {
    head: Head,
    tables: [Columns; 3],
    claims: Vec<(String, Claim, i64)>,
    releases: Vec<(String, Release)>,
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
            tables: Default::default(),
            claims: Vec::new(),
            releases: Vec::new(),
            answers: Vec::new(),
            holds: holds::Changes::default(),
        }
    }

    /// Where the log will stand.
    pub(crate) fn position(&self) -> i64 {
        self.head.position
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
        self.claims.extend(
            submission
                .claims
                .iter()
                .map(|claim| (tenant(), claim.clone(), position)),
        );
        self.releases
            .extend(submission.releases.iter().map(|release| (tenant(), release.clone())));
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
        self.write_answers(connection).await?;
        self.holds.write(connection, self.head.recorded_at).await?;
        // A notification per event would cost a factor of three: one per batch, and only when it commits.
        sqlx::query!(
            r#"UPDATE log_head SET position = $1, recorded_at = $2, events_chain = $3, heartbeats_chain = $4, decisions_chain = $5
               RETURNING pg_notify('licet_log', $1::bigint::text) IS NULL AS notified"#,
            self.head.position,
            self.head.recorded_at,
            &self.head.chains[0][..],
            &self.head.chains[1][..],
            &self.head.chains[2][..],
        )
        .fetch_one(&mut *connection)
        .await?;
        connection.execute("COMMIT").await?;
        Ok(())
    }

    async fn write_claims(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        for (tenant, release) in &self.releases {
            sqlx::query!(
                "DELETE FROM claims WHERE tenant_id = $1 AND kind = $2 AND value_hash = $3",
                tenant,
                release.kind,
                &release.value_hash[..],
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

/// Which of these orders went in, with the position and time of each one's newest event.
pub(crate) async fn find_commands(
    connection: &mut PgConnection,
    command_ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Appended>> {
    let rows = sqlx::query!(
        r#"SELECT command_id AS "command_id!", max(position) AS "position!", max(recorded_at) AS "recorded_at!" FROM (
               SELECT command_id, position, recorded_at FROM events WHERE command_id = ANY($1)
               UNION ALL SELECT command_id, position, recorded_at FROM heartbeat_events WHERE command_id = ANY($1)
               UNION ALL SELECT command_id, position, recorded_at FROM decision_events WHERE command_id = ANY($1)
           ) AS found GROUP BY command_id"#,
        command_ids,
    )
    .fetch_all(connection)
    .await?;
    let found = |row: (Uuid, i64, OffsetDateTime)| {
        (
            row.0,
            Appended {
                position: row.1,
                recorded_at: row.2.into(),
            },
        )
    };
    Ok(rows
        .into_iter()
        .map(|row| found((row.command_id, row.position, row.recorded_at)))
        .collect())
}
