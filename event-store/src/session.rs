//! Connections to the database, with the settings that every one of ours has.
//!
//! Settings are made after connecting, one statement each way, and looked at: poolers drop those that travel in the
//! startup packet, and a connection that finds no read model, or compiles each statement, must not seem ready.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// What a pooler between us and Postgres has to do.
const POOLER: &str = "a pooler in between drops session settings; it must pool by session, reset connections with DISCARD \
                      ALL and pass on LISTEN (pgbouncer: pool_mode = session)";

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(5);

/// Where the database waits for standbys, a commit of one's own: it waits for them, and for all that was committed before
/// it. A message that nobody decodes is the least that can be written.
const QUORUM: &str = "SELECT CASE WHEN current_setting('synchronous_standby_names') <> '' \
                      THEN pg_logical_emit_message(true, 'licet', '') END";

/// After so long a commit that is on its way is over.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// Why no session is begun: what a primary shows after a crash may be what no standby has, and a failover undoes it. A
/// session that waits for that is not ended by hanging up, so there must not be many.
const STALLED: &str =
    "the database's commits wait for standbys that do not answer; nothing can be recorded until one is back";
/// Only a primary can be appended to, and only a primary shows what was recorded a moment ago.
const STANDBY: &str = "the database is a standby; DATABASE_URL must lead to the primary (with HAProxy, to the port that \
                       asks Patroni for /primary)";

/// The settings of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    /// Where tables are found without naming their schema.
    pub(crate) search_path: &'static str,
    /// Further settings.
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

/// Read models are found without naming their schema.
pub(crate) const ORDINARY: Session = Session {
    search_path: "read_model,public",
    settings: &[],
};

/// For lists and reports: planned for the values that are asked for, because which filter is set decides the index;
/// always by index, whatever is known of a table that was empty a moment ago; and ended when they take too long.
pub(crate) const READING: Session = Session {
    settings: &[
        ("plan_cache_mode", "force_custom_plan"),
        ("enable_seqscan", "off"),
        ("statement_timeout", "30s"),
    ],
    ..ORDINARY
};

/// Migrations run with the plain search path, so that the log lives in `public`.
pub(crate) const MIGRATING: Session = Session {
    search_path: "public",
    settings: &[],
};

/// Where the database is.
pub(crate) fn connect_options(url: &str) -> sqlx::Result<PgConnectOptions> {
    // Statements are not logged one by one: the spans of requests and commands say enough.
    let options = url.parse::<PgConnectOptions>()?.disable_statement_logging();
    Ok(options.statement_cache_capacity(256))
}

/// Before anything else is asked of a database: it answers as a primary, and two connections are two sessions. A pooler that
/// hands one session to several would let settings, prepared statements and locks of one show in the other. Pools only
/// say that they waited in vain.
pub(crate) async fn expect_sessions(options: &PgConnectOptions) -> sqlx::Result<()> {
    let mut one = connect(options).await?;
    let mut other = connect(options).await?;
    // First of all: the rest rests on it.
    let same = session_of(&mut one).await? == session_of(&mut other).await?;
    other.close().await?;
    if same {
        return Err(sqlx::Error::Configuration(POOLER.into()));
    }
    in_time(ORDINARY.begin(&mut one)).await?;
    one.close().await
}

async fn session_of(connection: &mut PgConnection) -> sqlx::Result<i32> {
    // Without a prepared statement: another client of the pooler may have one of the same name.
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?;
    row.try_get(0)
}

/// Waits until the database's standbys have all that was visible before; at once where it has none to wait for.
pub(crate) async fn await_quorum(pool: &PgPool) -> sqlx::Result<()> {
    pool.execute(QUORUM).await?;
    Ok(())
}

/// A session, or this one, whose commit may have waited for standbys for two seconds: since when it does is not told, so
/// what counts is when its statement began.
async fn waiting(connection: &mut PgConnection, pid: Option<i32>) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar(
        "SELECT min(pid) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep' AND query_start < clock_timestamp() - interval '2 seconds' AND pid = coalesce($1, pid)",
    )
    .bind(pid)
    .fetch_one(connection)
    .await
}

async fn in_time<T>(working: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let silent = |_| sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let done = tokio::time::timeout(CONNECTING, working).await;
    done.unwrap_or_else(|elapsed| Err(silent(elapsed)))
}

pub(crate) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    in_time(PgConnection::connect_with(options))
        .await
        .map_err(|error| match error {
            sqlx::Error::Io(cause) => {
                let (host, port) = (options.get_host(), options.get_port());
                let detail = format!(
                    "no database answers at {host}:{port} ({cause}); is it running, and is DATABASE_URL right?"
                );
                sqlx::Error::Io(std::io::Error::new(cause.kind(), detail))
            }
            error => error,
        })
}

impl Session {
    /// A connection of one's own.
    pub(crate) async fn connect(self, options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
        let mut connection = connect(options).await?;
        in_time(self.begin(&mut connection)).await?;
        Ok(connection)
    }

    /// A pool of connections.
    pub(crate) fn pool(self, options: PgConnectOptions, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECTING)
            .after_connect(move |connection, _| Box::pin(self.begin(connection)))
            .connect_lazy_with(options)
    }

    /// Makes the settings of a fresh connection, and looks whether they have stayed, and whether the database is one whose
    /// word counts.
    async fn begin(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        // No statement is compiled: all of ours are over before that would be.
        let ours = [("search_path", self.search_path), ("jit", "off")];
        // Only names and values of this program go into the statement.
        let set = |(name, value): &(&str, &str)| format!("SELECT set_config('{name}', '{value}', false);");
        let made: String = ours.iter().chain(self.settings).map(set).collect();
        connection.execute(made.as_str()).await?;
        let (stayed, standby, waits): (bool, bool, bool) = sqlx::query_as(
            "SELECT current_setting('search_path') = $1 AND current_setting('jit') = 'off', pg_is_in_recovery(),
                    current_setting('synchronous_standby_names') <> ''",
        )
        .bind(self.search_path)
        .fetch_one(&mut *connection)
        .await?;
        let unable = |cause| sqlx::Error::Io(std::io::Error::other(cause));
        if !stayed {
            return Err(sqlx::Error::Configuration(POOLER.into()));
        }
        if standby {
            return Err(unable(STANDBY));
        }
        if !waits {
            return Ok(());
        }
        if let Some(pid) = waiting(connection, None).await? {
            // What took long may have come to its commit at this moment.
            tokio::time::sleep(SECOND_LOOK).await;
            if waiting(connection, Some(pid)).await?.is_some() {
                return Err(unable(STALLED));
            }
        }
        connection.execute(QUORUM).await?;
        Ok(())
    }
}
