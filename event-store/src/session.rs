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

/// Before anything else is asked of a database: it answers, and two connections are two sessions. A pooler that hands one
/// session to several would let settings, prepared statements and locks of one show in the other.
pub(crate) async fn expect_sessions(options: &PgConnectOptions) -> sqlx::Result<()> {
    let mut one = connect(options).await?;
    let mut other = connect(options).await?;
    let same = session_of(&mut one).await? == session_of(&mut other).await?;
    one.close().await?;
    other.close().await?;
    if same {
        return Err(sqlx::Error::Configuration(POOLER.into()));
    }
    Ok(())
}

async fn session_of(connection: &mut PgConnection) -> sqlx::Result<i32> {
    // Without a prepared statement: another client of the pooler may have one of the same name.
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?;
    row.try_get(0)
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let connected = tokio::time::timeout(CONNECTING, PgConnection::connect_with(options)).await;
    let silent = |_| sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    connected
        .unwrap_or_else(|elapsed| Err(silent(elapsed)))
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
        self.begin(&mut connection).await?;
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

    /// Makes the settings of a fresh connection, and looks whether they have stayed.
    async fn begin(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        // No statement is compiled: all of ours are over before that would be.
        let ours = [("search_path", self.search_path), ("jit", "off")];
        // Only names and values of this program go into the statement.
        let set = |(name, value): &(&str, &str)| format!("SELECT set_config('{name}', '{value}', false);");
        let made: String = ours.iter().chain(self.settings).map(set).collect();
        connection.execute(made.as_str()).await?;
        let stayed: bool =
            sqlx::query_scalar("SELECT current_setting('search_path') = $1 AND current_setting('jit') = 'off'")
                .bind(self.search_path)
                .fetch_one(connection)
                .await?;
        if stayed {
            return Ok(());
        }
        Err(sqlx::Error::Configuration(POOLER.into()))
    }
}
