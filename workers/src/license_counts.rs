//! Counts the licenses of customers anew as licenses come and go, for lists by how many they have. Its own worker, so that
//! names are found at once however far the read model of licenses is.

use licet_commands::Platform;
use licet_event_store::StoreError;
use licet_projections::{customer_directory, queues::consumers};

use crate::{WorkerError, position_of, search};

/// The consumer that tells how far licenses were counted.
pub const CONSUMER: &str = "license_counts";
/// Positions read at once.
const READ_SIZE: i64 = 2_000;

/// One turn over what is new; `true` where more is waiting.
pub(crate) async fn turn(platform: &Platform) -> Result<bool, WorkerError> {
    let failed = |error: StoreError| WorkerError::of("counting the licenses of customers")(error.into());
    let pool = platform.log.pool();
    // Who is not in the directory yet is not counted: names go before.
    let Some(named) = consumers::find(pool, search::CONSUMER).await.map_err(failed)? else {
        return Ok(false);
    };
    let known = named.min(position_of(platform, &["license_state"]).await?);
    let Some(from) = consumers::find(pool, CONSUMER).await.map_err(failed)? else {
        customer_directory::count_all(pool, (CONSUMER, known))
            .await
            .map_err(failed)?;
        return Ok(true);
    };
    let to = known.min(from + READ_SIZE);
    if to <= from {
        return Ok(false);
    }
    customer_directory::count(pool, CONSUMER, (from, to))
        .await
        .map_err(failed)?;
    Ok(to < known)
}
