//! Shows a license's key to an operator; each time is recorded.

use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection},
    values::LicenseId,
};
use licet_event_store::vault::Purpose;

use crate::{Body, CommandError, Context, Done, Platform};

/// A license's key, in full.
#[derive(Clone)]
pub struct RevealedKey(pub String);

impl Platform {
    /// Opens a license's key for an operator.
    pub async fn reveal_license_key(
        &self,
        context: &Context,
        id: LicenseId,
        body: Body<'_, RevealedKey>,
    ) -> Result<Done<RevealedKey>, CommandError> {
        let sealer = self.vault.sealer(&context.tenant, Purpose::Tenant, "1").await?;
        let order = |_: &_| Ok(LicenseCommand::RevealKey { at: context.now });
        let output = |state: &License| {
            let license = state.facts().ok_or(CommandError::License(LicenseRejection::NotFound))?;
            Ok(RevealedKey(sealer.open(&license.issued.key_sealed)?))
        };
        self.run(&self.licenses, (id.0, context, context.envelope()), order, output, body)
            .await
    }
}
