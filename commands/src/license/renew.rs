//! Moves a license's end.

use licet_domain::{license::LicenseCommand, values::LicenseId};

use super::{EffectiveLicense, change::read_reason};
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// How a license is to be renewed.
#[derive(Debug, Clone, Default)]
pub struct Renewal {
    /// An end given by hand; absent, the policy's duration counts.
    pub expires_at: Option<String>,
    /// The reason, in the words of whoever asked; at most 500 characters.
    pub reason: Option<String>,
}

impl Platform {
    /// Moves a license's end by its policy's duration, or to a given moment.
    pub async fn renew_license(
        &self,
        context: &Context,
        id: LicenseId,
        renewal: Renewal,
        body: Body<'_, EffectiveLicense>,
    ) -> Result<Done<EffectiveLicense>, CommandError> {
        let reason = read_reason(renewal.reason.as_deref())?;
        let mut fields = Fields::new();
        let expires_at = fields.time("expires_at", renewal.expires_at.as_deref());
        let expires_at = fields.finish(Some(expires_at))?;
        let order = |_: &_, present: &EffectiveLicense| {
            let duration_days = present.terms().duration_days;
            Ok(LicenseCommand::Renew {
                duration_days,
                expires_at,
                reason: reason.clone(),
                at: context.now,
            })
        };
        self.order_license(context, id, order, body).await
    }
}
