//! Connections to the database, with the settings that every one of ours has.
//!
//! Settings are made after connecting, one statement each way, and looked at: poolers drop those that travel in the
//! startup packet, and a connection that finds no read model, or compiles each statement, must not seem ready.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool,
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

/// For lists and reports: planned for the values that are asked for, because which filter is set decides the index; and
/// ended when they take too long.
pub(crate) const READING: Session = Session {
    settings: &[("plan_cache_mode", "force_custom_plan"), ("statement_timeout", "30s")],
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

impl Session {
    /// A connection of one's own.
    pub(crate) async fn connect(self, options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
        let connecting = tokio::time::timeout(CONNECTING, PgConnection::connect_with(options));
        let late = |_| sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let mut connection = connecting.await.map_err(late)??;
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
