//! What a database says of itself, for who looks whether it will do. Nothing is changed, and nothing is expected of it.

use sqlx::Connection as _;

use crate::session;

/// What was found.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct DatabaseFacts {
    /// Its release, such as `17.6`.
    pub version: String,
    /// The same as a number, such as 170006.
    pub version_number: i32,
    /// How texts are encoded.
    pub encoding: String,
    /// By whose rules texts are sorted: `c`, `i`cu or `b`uiltin; of libc, which locale.
    pub collation: String,
    /// How many sessions there may be, without those kept for superusers.
    pub connections: i32,
    /// How many there are, of whomever.
    pub connected: i64,
    /// Settings that are off and must be on, or a commit is forgotten.
    pub careless: Vec<String>,
    /// Whether it takes no changes.
    pub read_only: bool,
    /// Whether it follows another one.
    pub standby: bool,
    /// Its clock, in seconds since 1970.
    pub clock: f64,
    /// How many bytes this database has.
    pub bytes: i64,
    /// The migrations that it has; absent where none of ours ever ran.
    pub migrations: Option<Vec<i64>>,
    /// How many tables it has outside PostgreSQL's own schemas.
    pub tables: i64,
}

/// Looks at the database at an address.
pub async fn inspect(url: &str) -> sqlx::Result<DatabaseFacts> {
    let mut connection = session::connect(&session::connect_options(url)?).await?;
    let mut facts: DatabaseFacts = sqlx::query_as(
        "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_number,
                pg_encoding_to_char(encoding) AS encoding,
                CASE datlocprovider WHEN 'c' THEN datcollate ELSE datlocprovider::text END AS collation,
                current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                    AS connections,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connected,
                (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM pg_settings
                 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off') AS careless,
                current_setting('default_transaction_read_only')::bool AS read_only, pg_is_in_recovery() AS standby,
                extract(epoch FROM clock_timestamp())::float8 AS clock, pg_database_size(oid) AS bytes,
                NULL::bigint[] AS migrations,
                (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                   AND n.nspname NOT LIKE 'pg\\_%') AS tables
         FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(&mut connection)
    .await?;
    let ours: bool = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    if ours {
        let applied =
            "SELECT coalesce(array_agg(version ORDER BY version), '{}') FROM public._sqlx_migrations WHERE success";
        facts.migrations = sqlx::query_scalar(applied).fetch_one(&mut connection).await?;
    }
    connection.close().await?;
    Ok(facts)
}
