//! Seats that are held until their machines fall silent.

use licet_domain::values::ActivationId;
use licet_event_store::holds;
use licet_test_support::TestDatabase;
use uuid::Uuid;

#[tokio::test]
async fn a_hold_that_was_taken_anew_is_not_dropped() {
    let database = TestDatabase::new().await;
    let (log, _tasks) = database.log().await;
    let pool = log.pool();
    for (activation, seconds) in [(1, -5), (2, 60)] {
        sqlx::query("INSERT INTO seat_holds VALUES ('default', $1, $1, clock_timestamp() + make_interval(secs => $2))")
            .bind(Uuid::from_u128(activation))
            .bind(f64::from(seconds))
            .execute(pool)
            .await
            .unwrap();
        let activation = ActivationId(Uuid::from_u128(activation));
        holds::drop_expired(pool, activation).await.unwrap();
    }
    let left: Vec<Uuid> = sqlx::query_scalar("SELECT activation_id FROM seat_holds")
        .fetch_all(pool)
        .await
        .unwrap();
    assert_eq!(left, [Uuid::from_u128(2)]);
}
