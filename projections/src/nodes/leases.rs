//! Who runs what. A lease keeps two nodes from doing the same work; it is never what correctness rests on.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

/// For how long a lease is held without being renewed, beyond the time in which it is to be renewed.
pub const LEASE: Duration = Duration::from_secs(5);

/// Takes or renews a lease for so long, by the database's clock; `false` when another node has it.
pub async fn hold(pool: &PgPool, name: &str, holder: Uuid, time: Duration) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"INSERT INTO leases (name, holder, held_until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
           WHERE leases.holder = excluded.holder OR leases.held_until < clock_timestamp()"#,
        name,
        holder,
        time.as_secs_f64(),
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
