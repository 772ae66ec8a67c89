//! Makes next month's partitions ahead and drops kept answers that have run out.

use licet_event_store::{deliveries, idempotency, schema};

use licet_projections::replays;

use crate::{Worker, WorkerError, webhooks};

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
    webhooks::bury_retired(worker).await?;
    tracing::debug!(swept, "dropped kept answers that have run out");
    Ok(())
}
