//! What has to be done now and then: next month's partitions, what has run out, seats that lack a hold.

use licet_event_store::{idempotency, schema};

use licet_projections::{queues::deliveries, replays, sweep_scratch};

use crate::{Worker, WorkerError, metrics::METRICS, seats, webhooks};

pub(crate) async fn run(worker: &Worker) -> Result<(), WorkerError> {
    let platform = &worker.platform;
    let failed = |error: licet_event_store::StoreError| WorkerError::of("upkeep")(error.into());
    let mut connection = platform.log.pool().acquire().await.map_err(failed)?;
    schema::make_partitions(&mut connection).await.map_err(failed)?;
    let swept = idempotency::sweep(platform.log.pool(), platform.edge.now().into())
        .await
        .map_err(failed)?;
    replays::sweep(platform.log.pool()).await.map_err(failed)?;
    deliveries::sweep(platform.log.pool()).await.map_err(failed)?;
    let given_up = deliveries::dead_letter_stale(platform.log.pool())
        .await
        .map_err(failed)?;
    METRICS.given_up(given_up);
    if given_up > 0 {
        tracing::warn!(given_up, "gave up deliveries whose targets took nothing for three days");
    }
    sweep_scratch(&platform.log).await.map_err(failed)?;
    seats::give_holds(platform).await?;
    webhooks::bury_retired(worker).await?;
    tracing::debug!(swept, "dropped kept answers that have run out");
    Ok(())
}
