//! How far consumers with effects outside have come in the log.

use sqlx::{PgExecutor, PgPool};

/// Where a consumer goes on; one that is new begins at `first`.
pub async fn position(pool: &PgPool, name: &str, first: i64) -> sqlx::Result<i64> {
    begin(pool, name, first).await?;
    sqlx::query_scalar!("SELECT position FROM consumers WHERE name = $1", name)
        .fetch_one(pool)
        .await
}

/// Begins a consumer; `false` where it has begun already.
pub async fn begin(executor: impl PgExecutor<'_>, name: &str, position: i64) -> sqlx::Result<bool> {
    let begun = sqlx::query!(
        "INSERT INTO consumers (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        position,
    )
    .execute(executor)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Where a consumer goes on, if it has begun.
pub async fn find(pool: &PgPool, name: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT position FROM consumers WHERE name = $1", name)
        .fetch_optional(pool)
        .await
}

/// Notes why a consumer has stopped; `true` where that is news. One that has not begun has nothing in common with the log.
pub async fn stop(pool: &PgPool, name: &str, cause: &str) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        r#"INSERT INTO consumers (name, position, stopped_by) VALUES ($1, 0, $2)
           ON CONFLICT (name) DO UPDATE SET stopped_by = excluded.stopped_by
           WHERE consumers.stopped_by IS DISTINCT FROM excluded.stopped_by"#,
        name,
        cause,
    )
    .execute(pool)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes that a consumer goes on.
pub async fn resume(pool: &PgPool, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE consumers SET stopped_by = NULL WHERE name = $1 AND stopped_by IS NOT NULL",
        name
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Why consumers have stopped.
pub async fn stops(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"SELECT stopped_by AS "cause!" FROM consumers WHERE stopped_by IS NOT NULL ORDER BY name"#)
        .fetch_all(pool)
        .await
}

/// Keeps where a consumer goes on, wherever it was before.
pub async fn keep(pool: &PgPool, name: &str, position: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO consumers (name, position) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        name,
        position,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Moves a consumer on from where it was read; `false` when someone else has moved it meanwhile, such as an operator who
/// sent it back, or a node that took over. What was done on the old place is then to be rolled back.
pub async fn advance(executor: impl PgExecutor<'_>, name: &str, (from, to): (i64, i64)) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "UPDATE consumers SET position = $3 WHERE name = $1 AND position = $2",
        name,
        from,
        to,
    )
    .execute(executor)
    .await?;
    Ok(moved.rows_affected() == 1)
}
