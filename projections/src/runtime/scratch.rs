//! A schema of its own in which a read model is built beside the living one.

use licet_event_store::{EventLog, archive};
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::Projector;

/// What a read model is built beside the living one for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To take the living one's place.
    Rebuild,
    /// To be compared with it.
    Verify,
    /// To be handed out, with the months that have left online storage.
    Replay,
}

impl Purpose {
    fn schema(self, projector: &dyn Projector) -> String {
        // Only names of this program go into statements.
        match self {
            Self::Rebuild => format!("rebuild_{}", projector.name()),
            Self::Verify => format!("verify_{}", projector.name()),
            Self::Replay => format!("replay_{}_{}", std::process::id(), projector.name()),
        }
    }
}

/// The schema and a connection that finds the read model's table there. It is dropped with [`Scratch::drop_schema`];
/// what a crash leaves behind is dropped by the next one of the same name.
pub(crate) struct Scratch {
    pub(crate) schema: String,
    pub(crate) connection: PgConnection,
    /// The statements that make the indexes which only readers need: they are made once, when the rows are there.
    indexes: Vec<String>,
}

impl Scratch {
    /// Makes empty copies of the tables of read models, the first of which it is called after. No month leaves online storage while the connection lives.
    pub(crate) async fn make(log: &EventLog, projectors: &[&dyn Projector], purpose: Purpose) -> sqlx::Result<Self> {
        let schema = purpose.schema(projectors[0]);
        let mut connection = log.connect().await?;
        archive::hold_months(&mut connection).await?;
        // Held until the connection closes: another one of the same name waits its turn.
        sqlx::query!(
            "SELECT pg_advisory_lock(hashtextextended($1, 0)) IS NULL AS locked",
            schema
        )
        .fetch_one(&mut connection)
        .await?;
        let statements = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO licet_reader;
             SET search_path TO {schema}, public"
        );
        connection.execute(statements.as_str()).await?;
        for table in projectors.iter().flat_map(|projector| projector.tables()) {
            sqlx::query!(
                "SELECT public.copy_read_model($1, $2, $3) IS NULL AS copied",
                table,
                schema,
                purpose == Purpose::Replay
            )
            .fetch_one(&mut connection)
            .await?;
        }
        let indexes = sqlx::query!(
            r#"SELECT i.indexrelid::regclass::text AS "name!", pg_get_indexdef(i.indexrelid) AS "definition!"
               FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
               WHERE t.relnamespace = $1::text::regnamespace AND t.relkind = 'r' AND NOT t.relispartition AND NOT i.indisunique"#,
            schema
        )
        .fetch_all(&mut connection)
        .await?;
        for index in &indexes {
            connection
                .execute(format!("DROP INDEX {}", index.name).as_str())
                .await?;
        }
        Ok(Self {
            schema,
            connection,
            indexes: indexes.into_iter().map(|index| index.definition).collect(),
        })
    }

    /// Makes what readers need before the tables take the living ones' place: indexes, what the planner knows, and
    /// which pages need no look (a count over an index rests on that).
    pub(crate) async fn make_ready(&mut self, projector: &dyn Projector) -> sqlx::Result<()> {
        for definition in std::mem::take(&mut self.indexes) {
            self.connection.execute(definition.as_str()).await?;
        }
        for table in projector.tables() {
            let analyzed = format!("VACUUM (ANALYZE) {}.{table}", self.schema);
            self.connection.execute(analyzed.as_str()).await?;
        }
        Ok(())
    }

    /// Removes everything that was built.
    pub(crate) async fn drop_schema(mut self) -> sqlx::Result<()> {
        self.connection
            .execute(format!("DROP SCHEMA {} CASCADE", self.schema).as_str())
            .await?;
        self.connection.close().await
    }
}

/// Drops what replays, rebuilds and comparisons have left behind whose process is gone.
pub async fn sweep_scratch(log: &EventLog) -> sqlx::Result<()> {
    let mut connection = log.connect().await?;
    let schemas = sqlx::query_scalar!(
        r#"SELECT nspname::text AS "name!" FROM pg_namespace WHERE nspname ~ '^(replay|rebuild|verify)_'"#
    )
    .fetch_all(&mut connection)
    .await?;
    for schema in schemas {
        let gone = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "gone!""#,
            schema
        )
        .fetch_one(&mut connection)
        .await?;
        if gone {
            let dropped = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
            connection.execute(dropped.as_str()).await?;
        }
    }
    connection.close().await
}
