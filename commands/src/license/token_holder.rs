//! Whose token it is: an activation that is still in the books.

use std::sync::Arc;

use licet_domain::{
    license::{Activation, License, LicenseRejection},
    values::{ActivationId, LicenseId},
};
use licet_event_store::{Tenant, Versioned};

use crate::{CommandError, Platform};

/// A license and one of its activations that has not ended.
pub type TokenHolder = (Arc<Versioned<License>>, Arc<Activation>);

impl Platform {
    /// The license and the activation of a token; what memory does not know may have come to be on another node just
    /// now. Refuses an activation that has ended.
    pub async fn token_holder(
        &self,
        tenant: &Tenant,
        license: LicenseId,
        id: ActivationId,
    ) -> Result<TokenHolder, CommandError> {
        let known = self.licenses.get(tenant, license.0).await?;
        if let Ok(activation) = seat(&known, id) {
            return Ok((known, activation));
        }
        let known = self.licenses.fresh(tenant, license.0).await?;
        let activation = seat(&known, id)?;
        Ok((known, activation))
    }
}

pub(super) fn seat(license: &Versioned<License>, id: ActivationId) -> Result<Arc<Activation>, CommandError> {
    let found = license.state.facts().and_then(|license| license.activation(id));
    found
        .filter(|activation| activation.deactivated_at.is_none())
        .cloned()
        .ok_or(CommandError::License(LicenseRejection::ActivationNotActive(id)))
}
