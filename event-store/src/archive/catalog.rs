//! The catalog: what is in the archive.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use super::manifest::Manifest;
use crate::LogTable;

/// A month of a table as a file, or a part of one that is large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The table.
    pub table_name: String,
    /// The month in UTC, such as `2026-08`.
    pub month: String,
    /// The position of its first row.
    pub first_position: i64,
    /// The position of its last row.
    pub last_position: i64,
    /// When the first was recorded.
    pub first_at: OffsetDateTime,
    /// When the last was recorded.
    pub last_at: OffsetDateTime,
    /// How many rows.
    pub rows: i64,
    /// The chain before the first row; absent where the table is a read model's.
    pub chain_in: Option<Vec<u8>>,
    /// The chain of the last row.
    pub chain_out: Option<Vec<u8>>,
    /// The file, below the archive's folder.
    pub file: String,
    /// The file's size.
    pub bytes: i64,
    /// The file's SHA-256.
    pub sha256: Vec<u8>,
    /// The signed manifest.
    pub manifest: String,
}

impl Segment {
    /// What its manifest has to say.
    pub(super) fn claims(&self, log_id: uuid::Uuid) -> Manifest {
        let encode = |chain: &Vec<u8>| URL_SAFE_NO_PAD.encode(chain);
        Manifest {
            log_id,
            table: self.table_name.clone(),
            month: self.month.clone(),
            first_position: self.first_position,
            last_position: self.last_position,
            first_at: self.first_at.into(),
            last_at: self.last_at.into(),
            rows: self.rows,
            chain_in: self.chain_in.as_ref().map(encode),
            chain_out: self.chain_out.as_ref().map(encode),
            file: self.file.clone(),
            bytes: self.bytes,
            sha256: hex::encode(&self.sha256),
        }
    }

    /// Whether one of these keys signed what the catalog says.
    pub fn is_signed(&self, log_id: uuid::Uuid, keys: &[VerifyingKey]) -> bool {
        Manifest::verify(&self.manifest, keys).is_some_and(|signed| signed == self.claims(log_id))
    }
}

/// Every segment, by table and position.
pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<Segment>> {
    sqlx::query_as!(
        Segment,
        "SELECT * FROM archive_segments ORDER BY table_name, first_position"
    )
    .fetch_all(pool)
    .await
}

/// The segments of a table, oldest first.
pub(crate) async fn of(pool: &PgPool, table: LogTable) -> sqlx::Result<Vec<Segment>> {
    sqlx::query_as!(
        Segment,
        "SELECT * FROM archive_segments WHERE table_name = $1 ORDER BY first_position",
        table.as_str()
    )
    .fetch_all(pool)
    .await
}

/// Whether events of a table after a position are in the archive.
pub(crate) async fn reaches(pool: &PgPool, table: LogTable, after: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM archive_segments WHERE table_name = $1 AND last_position > $2) AS "reaches!""#,
        table.as_str(),
        after
    )
    .fetch_one(pool)
    .await
}

/// The parts of a month, in order.
pub(super) async fn parts(connection: &mut PgConnection, table: &str, month: &str) -> sqlx::Result<Vec<Segment>> {
    sqlx::query_as!(
        Segment,
        "SELECT * FROM archive_segments WHERE table_name = $1 AND month = $2 ORDER BY first_position",
        table,
        month
    )
    .fetch_all(connection)
    .await
}

/// The newest segment of a table.
pub(super) async fn latest(executor: impl PgExecutor<'_>, table: &str) -> sqlx::Result<Option<Segment>> {
    sqlx::query_as!(
        Segment,
        "SELECT * FROM archive_segments WHERE table_name = $1 ORDER BY last_position DESC LIMIT 1",
        table
    )
    .fetch_optional(executor)
    .await
}

pub(super) async fn add(executor: impl PgExecutor<'_>, one: &Segment) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO archive_segments (table_name, month, first_position, last_position, first_at, last_at, rows, chain_in,
               chain_out, file, bytes, sha256, manifest)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
        one.table_name,
        one.month,
        one.first_position,
        one.last_position,
        one.first_at,
        one.last_at,
        one.rows,
        one.chain_in,
        one.chain_out,
        one.file,
        one.bytes,
        one.sha256,
        one.manifest,
    )
    .execute(executor)
    .await?;
    Ok(())
}
