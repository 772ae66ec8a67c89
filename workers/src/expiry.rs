//! Records that licenses have ended, for those who subscribe to it.

use licet_commands::{CommandError, Context, Platform};
use licet_domain::{license::LicenseRejection, values::LicenseId};
use licet_event_store::Tenant;
use licet_projections::license_state;

use crate::WorkerError;

/// Licenses in one turn; the rest follow in the next.
const SOME: i64 = 500;

pub(crate) async fn sweep(platform: &Platform) -> Result<(), WorkerError> {
    let now = platform.edge.now();
    let due = license_state::due(platform.log.pool(), now, SOME).await;
    for license in due.map_err(|error| WorkerError::of("looking for ended licenses")(error.into()))? {
        let tenant = Tenant::new(&license.tenant_id);
        let context = Context::system("expiry", tenant, now, platform.edge.id());
        match platform.note_expiry(&context, LicenseId(license.license_id)).await {
            Ok(_) | Err(CommandError::License(LicenseRejection::NotFound)) => {}
            Err(error) => return Err(WorkerError::of("recording an ended license")(error.into())),
        }
    }
    Ok(())
}
