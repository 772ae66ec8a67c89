//! How far consumers with effects outside have come in the log.

use sqlx::PgPool;

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

/// Moves a consumer on.
pub async fn advance(pool: &PgPool, name: &str, position: i64) -> sqlx::Result<()> {
    sqlx::query!("UPDATE consumers SET position = $2 WHERE name = $1", name, position)
        .execute(pool)
        .await?;
    Ok(())
}
