//! How far consumers with effects outside have come in the log.

use sqlx::{PgExecutor, PgPool};

/// Where a consumer goes on; one that is new begins at `first`.
pub async fn position(pool: &PgPool, name: &str, first: i64) -> sqlx::Result<i64> {
    sqlx::query!(
        "INSERT INTO consumers (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        first,
    )
    .execute(pool)
    .await?;
    sqlx::query_scalar!("SELECT position FROM consumers WHERE name = $1", name)
        .fetch_one(pool)
        .await
}

/// Where a consumer goes on, if it has begun.
pub async fn find(pool: &PgPool, name: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT position FROM consumers WHERE name = $1", name)
        .fetch_optional(pool)
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
