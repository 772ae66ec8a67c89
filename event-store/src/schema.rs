//! The database's schema: numbered migrations, and the partitions that time asks for.

use sqlx::{Connection as _, PgConnection, PgPool, migrate::Migrator};

use crate::session::{self, connect_options};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A migration failed.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Lists are read as a role that this user may not make.
    #[error(
        "the role licet_reader, as which lists are read, is missing or not {0}'s; an administrator must run: \
         CREATE ROLE licet_reader NOLOGIN; GRANT licet_reader TO {0};"
    )]
    Role(String),
    /// A restore was cut off.
    #[error(
        "a restore into this database is not finished; give the same `licet backup restore` again, which goes on with it"
    )]
    Restoring,
}

/// Brings a database up to date; nodes that start at once wait for each other. What a restore has left out, because the
/// role that reads lists was not there, is put right.
pub async fn migrate(url: &str) -> Result<(), SchemaError> {
    let options = connect_options(url)?;
    session::expect_sessions(&options).await?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    let restoring = sqlx::query_scalar!(r#"SELECT to_regnamespace('restore') IS NOT NULL AS "restoring!""#);
    if restoring.fetch_one(&mut connection).await? {
        return Err(SchemaError::Restoring);
    }
    bring_up_to_date(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// The same for whoever knows that a restore is going on.
pub(crate) async fn bring_up_to_date(connection: &mut PgConnection) -> Result<(), SchemaError> {
    ensure_role(connection).await?;
    MIGRATIONS.run_direct(connection).await?;
    guard_tables(connection).await?;
    make_partitions(connection).await?;
    Ok(())
}

/// The migrations that this program has.
pub fn known() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

/// The newest migration that this program has.
pub(crate) fn newest() -> i64 {
    known().into_iter().max().unwrap_or(0)
}

/// Brings a database to an earlier schema, for a backup that was made of that one.
pub(crate) async fn migrate_to(connection: &mut PgConnection, version: i64) -> Result<(), SchemaError> {
    ensure_role(connection).await?;
    let earlier = MIGRATIONS.iter().filter(|migration| migration.version <= version);
    let migrator = Migrator {
        migrations: earlier.cloned().collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    };
    migrator.run_direct(connection).await?;
    Ok(())
}

/// Makes the role as which lists are read, or says how.
async fn ensure_role(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let made = sqlx::raw_sql(
        "DO $$ BEGIN
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'licet_reader') THEN CREATE ROLE licet_reader NOLOGIN; END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         DO $$ BEGIN
             IF NOT pg_has_role(current_user, 'licet_reader', 'MEMBER') THEN
                 EXECUTE format('GRANT licet_reader TO %I', current_user);
             END IF;
         EXCEPTION WHEN unique_violation THEN NULL; END $$;",
    )
    .execute(&mut *connection)
    .await;
    match made {
        Ok(_) => Ok(()),
        // Insufficient privilege, in either statement.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            let user = sqlx::query_scalar("SELECT quote_ident(current_user)");
            Err(SchemaError::Role(user.fetch_one(connection).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives every table of tenants its policy and its grant, where a restore has lost them: without a policy, a table with
/// row-level security shows nothing.
async fn guard_tables(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("GRANT USAGE ON SCHEMA public, read_model TO licet_reader; GRANT SELECT ON log_head, projector_checkpoints TO licet_reader;")
        .execute(&mut *connection)
        .await?;
    for table in unguarded(&mut *connection).await? {
        let guarded =
            format!("DROP POLICY IF EXISTS one_tenant ON {table}; SELECT guard_by_tenant('{table}'::regclass);");
        sqlx::raw_sql(&guarded).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Tables that the role of lists cannot read, though it should, by their names.
pub async fn unguarded(executor: impl sqlx::PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT format('%I.%I', n.nspname, c.relname) AS "name!" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname IN ('public', 'read_model') AND c.relkind IN ('r', 'p') AND c.relrowsecurity
             AND (NOT has_table_privilege('licet_reader', c.oid, 'SELECT')
                  OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'one_tenant'))
           ORDER BY 1"#
    )
    .fetch_all(executor)
    .await
}

/// Makes this month's and next month's partitions of the log and of what is made of it, if they are missing; and that of
/// the log's own time, which a clock that ran ahead has moved on and which never goes back.
pub async fn make_partitions(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        r#"SELECT make_partitions(date_trunc('month', moment AT TIME ZONE 'UTC')::date) IS NULL AS made FROM (
               SELECT now() UNION ALL SELECT date_trunc('month', now(), 'UTC') + interval '1 month'
               UNION ALL SELECT recorded_at FROM log_head WHERE recorded_at > now()
           ) AS moments (moment)"#
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Whether the database has exactly the migrations of this program; says what is missing or too much.
pub async fn check(pool: &PgPool) -> sqlx::Result<Result<(), String>> {
    let applied =
        sqlx::query_scalar::<_, i64>("SELECT version FROM public._sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(pool)
            .await?;
    let known = known();
    Ok(if applied == known {
        Ok(())
    } else {
        Err(format!(
            "the database has migrations {applied:?}, this program has {known:?}; run `licet migrate`"
        ))
    })
}
