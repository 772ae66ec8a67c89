//! The database's schema: numbered migrations, and the partitions that time asks for.

use sqlx::{Connection as _, PgConnection, PgPool, migrate::Migrator};

use crate::log::connect_options;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Brings a database up to date; nodes that start at once wait for each other.
pub async fn migrate(url: &str) -> Result<(), sqlx::migrate::MigrateError> {
    // Migrations run with the plain search path, so that the log lives in `public`.
    let options = connect_options(url)?.options([("search_path", "public")]);
    let mut connection = PgConnection::connect_with(&options).await?;
    MIGRATIONS.run_direct(&mut connection).await?;
    make_partitions(&mut connection).await?;
    connection.close().await?;
    Ok(())
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
    let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    Ok(if applied == known {
        Ok(())
    } else {
        Err(format!(
            "the database has migrations {applied:?}, this program has {known:?}; run `licet migrate`"
        ))
    })
}
