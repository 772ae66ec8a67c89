//! Signs where the log stands, every minute in which something was written.

use licet_commands::Platform;
use licet_event_store::Keyring;

use crate::WorkerError;

pub(crate) async fn sign(platform: &Platform, keyring: &Keyring) -> Result<(), WorkerError> {
    let now = platform.edge.now();
    let signed = platform.log.sign_checkpoint(&keyring.signer(now), now).await;
    let signed = signed.map_err(|error| WorkerError::of("signing a checkpoint")(error.into()))?;
    if let Some(checkpoint) = signed {
        tracing::info!(position = checkpoint.position, "signed a checkpoint");
    }
    Ok(())
}
