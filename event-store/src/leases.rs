//! Who runs what. A lease keeps two nodes from doing the same work; it is never what correctness rests on.

use sqlx::PgPool;
use uuid::Uuid;

/// For how long a lease is held without being renewed.
pub const LEASE_SECONDS: f64 = 5.0;

/// Takes or renews a lease by the database's clock; `false` when another node has it.
pub async fn hold(pool: &PgPool, name: &str, holder: Uuid) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"INSERT INTO leases (name, holder, held_until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
           WHERE leases.holder = excluded.holder OR leases.held_until < clock_timestamp()"#,
        name,
        holder,
        LEASE_SECONDS,
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives a lease back, so that another node need not wait for it to run out.
pub async fn release(pool: &PgPool, name: &str, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM leases WHERE name = $1 AND holder = $2", name, holder)
        .execute(pool)
        .await?;
    Ok(())
}
