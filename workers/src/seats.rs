//! Takes floating seats back whose machines were silent for too long. Whoever asks for a seat need not wait for this.

use licet_commands::Platform;

use crate::WorkerError;

pub(crate) async fn sweep(platform: &Platform) -> Result<(), WorkerError> {
    let freed = platform.reclaim_silent_seats().await;
    let freed = freed.map_err(|error| WorkerError::of("taking silent seats back")(error.into()))?;
    if freed > 0 {
        tracing::info!(freed, "took silent seats back");
    }
    Ok(())
}
