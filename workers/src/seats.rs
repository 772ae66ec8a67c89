//! Takes floating seats back whose machines were silent for too long. Whoever asks for a seat need not wait for this.

use licet_commands::Platform;
use licet_domain::values::ActivationId;
use licet_event_store::{Tenant, holds};
use licet_projections::activations;

use crate::WorkerError;

pub(crate) async fn sweep(platform: &Platform) -> Result<(), WorkerError> {
    let freed = platform.reclaim_silent_seats().await;
    let freed = freed.map_err(|error| WorkerError::of("taking silent seats back")(error.into()))?;
    if freed > 0 {
        tracing::info!(freed, "took silent seats back");
    }
    Ok(())
}

/// Seats looked at in one turn.
const PAGE_SIZE: i64 = 10_000;

/// Gives seats a hold that were taken before their policy floated, so that they fall free when their machines are silent.
pub(crate) async fn give_holds(platform: &Platform) -> Result<(), WorkerError> {
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| WorkerError::of("giving seats their holds")(cause);
    let pool = platform.log.pool();
    let seats_without_hold = activations::seats_without_hold(pool, PAGE_SIZE)
        .await
        .map_err(|error| failed(error.into()))?;
    for seat in seats_without_hold {
        let tenant = Tenant::new(&seat.tenant_id);
        let license = platform.licenses.get(&tenant, seat.license_id).await;
        let license = license.map_err(|error| failed(error.into()))?;
        let effective = platform.effective(&tenant, &license).await;
        let effective = effective.map_err(|error| failed(error.into()))?;
        let seated = effective.license().activation(ActivationId(seat.activation_id));
        let hold = effective.terms().hold_seconds();
        if let (Some(seconds), Some(true)) = (hold, seated.map(|seated| seated.is_seated())) {
            let activation = ActivationId(seat.activation_id);
            holds::give(pool, &tenant, effective.id(), activation, seconds)
                .await
                .map_err(|error| failed(error.into()))?;
        }
    }
    Ok(())
}
