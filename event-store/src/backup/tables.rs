//! Which tables are in a backup.

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

/// What stands beside the log and cannot be folded from it.
pub const KEPT: [&str; 14] = [
    "vault_keys",
    "claims",
    "released_claims",
    "seat_holds",
    "idempotency_keys",
    "checkpoints",
    "log_epochs",
    "log_lineage",
    "archive_segments",
    "consumers",
    "webhook_deliveries",
    "webhook_pauses",
    "mails",
    "api_key_usage",
];

/// What is left out: caches, what is folded or filled again, and what nodes tell each other for a moment.
pub const LEFT_OUT: [&str; 13] = [
    "_sqlx_migrations",
    "backup_runs",
    "customer_directory",
    "leases",
    "log_head",
    "login_failures",
    "projector_checkpoints",
    "rate_counts",
    "replay_chunks",
    "replays",
    "search_terms",
    "session_use",
    "snapshots",
];

/// A table's columns.
pub(super) struct Columns {
    /// In order, as a list for a statement.
    pub(super) list: String,
    /// Names them and their types: rows of other columns are other rows.
    pub(super) mark: String,
}

/// Which columns a table has now.
pub(super) async fn columns(connection: &mut PgConnection, table: &str) -> sqlx::Result<Columns> {
    let (list, types): (String, String) = sqlx::query_as(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
                string_agg(attname || ' ' || format_type(atttypid, atttypmod), ',' ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = format('public.%I', $1)::regclass AND attnum > 0 AND NOT attisdropped",
    )
    .bind(table)
    .fetch_one(connection)
    .await?;
    let mark = hex::encode(&Sha256::digest(types)[..4]);
    Ok(Columns { list, mark })
}
