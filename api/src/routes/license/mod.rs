//! What licensed programs call. Every answer here is signed.

pub(crate) mod activate;
pub(crate) mod deactivate;
pub(crate) mod heartbeat;
pub(crate) mod info;
pub(crate) mod revocations;
pub(crate) mod transfer;
pub(crate) mod verify;

use licet_commands::{CommandError, Context};
use licet_contracts::license::Fingerprint;
use licet_domain::{license::LicenseRejection, values::RawFingerprint};

use crate::{App, problem::Result};

/// What a machine sent, as the rules take it.
pub(crate) fn raw(fingerprint: Option<Fingerprint>) -> RawFingerprint {
    let Some(sent) = fingerprint else {
        return RawFingerprint::default();
    };
    RawFingerprint {
        mac_addresses: sent.mac_addresses.unwrap_or_default(),
        cpu_id: sent.cpu_id,
        system_uuid: sent.system_uuid,
        machine_id: sent.machine_id,
        extra: sent.extra.unwrap_or_default(),
    }
}

/// Passes a command's outcome on; an unknown key is counted, and whoever guesses waits.
async fn found<T>(app: &App, context: &Context, done: std::result::Result<T, CommandError>) -> Result<T> {
    if matches!(done, Err(CommandError::License(LicenseRejection::NotFound))) {
        slow_down(app, context).await;
    }
    Ok(done?)
}

async fn slow_down(app: &App, context: &Context) {
    app.metrics.unknown_key();
    let wait = app.platform.note_unknown_key(context).await;
    // A timer of no time at all takes up to a millisecond: by that an unknown key would be known.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}
