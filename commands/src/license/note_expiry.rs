//! Records that a license's end has come, for those who subscribe to it.

use licet_domain::{license::LicenseCommand, values::LicenseId};

use super::EffectiveLicense;
use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Records the end, once for each end; what counts for machines is computed from the time.
    pub async fn note_expiry(&self, context: &Context, id: LicenseId) -> Result<Done<EffectiveLicense>, CommandError> {
        let order = |_: &_, _: &EffectiveLicense| Ok(LicenseCommand::NoteExpiry { at: context.now });
        self.order_license(context, id, order, &|_| String::new()).await
    }
}
