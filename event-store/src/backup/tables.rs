//! Which tables are in a backup.

use sqlx::PgConnection;

/// What stands beside the log and cannot be folded from it.
pub(super) const KEPT: [&str; 14] = [
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
#[cfg(test)]
const LEFT_OUT: [&str; 13] = [
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

/// A table's columns in order, as a list for a statement.
pub(super) async fn columns(connection: &mut PgConnection, table: &str) -> sqlx::Result<String> {
    sqlx::query_scalar(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = format('public.%I', $1)::regclass AND attnum > 0 AND NOT attisdropped",
    )
    .bind(table)
    .fetch_one(connection)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogTable;

    /// A new table has to be decided on: this reads the migrations.
    #[test]
    fn every_table_is_kept_or_left_out() {
        let mut known: Vec<&str> = LogTable::ALL.iter().map(|table| table.as_str()).collect();
        known.extend(KEPT);
        known.extend(LEFT_OUT);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let mut checked = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "sql") {
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let made = ["CREATE TABLE ", "CREATE UNLOGGED TABLE "];
                let Some(name) = made.iter().find_map(|made| line.strip_prefix(made)) else {
                    continue;
                };
                let name = name.split([' ', '(']).next().unwrap().trim_start_matches("public.");
                if !name.starts_with("read_model.") {
                    assert!(
                        known.contains(&name),
                        "{name} of {} is neither kept nor left out",
                        path.display()
                    );
                    checked += 1;
                }
            }
        }
        assert!(checked > 15, "{checked} tables");
    }
}
