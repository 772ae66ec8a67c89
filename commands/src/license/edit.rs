//! Changes a license.

use std::collections::BTreeMap;

use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection, Overrides},
    values::{LicenseId, Text, Timestamp},
};
use serde_json::Value;

use super::EffectiveLicense;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// What is to change; what is absent stays, and `Some(None)` takes a value away.
#[derive(Debug, Clone, Default)]
pub struct LicenseChanges {
    /// Seats in place of the policy's.
    pub seats: Option<Option<i64>>,
    /// Features on top of the policy's.
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    pub limits: Option<BTreeMap<String, Value>>,
    /// When it begins.
    pub valid_from: Option<String>,
    /// When it ends.
    pub expires_at: Option<Option<String>>,
    /// Free text about it.
    pub note: Option<Option<String>>,
}

impl Platform {
    /// Changes a license that still is as `unchanged` says. A note that stays keeps its ciphertext.
    pub async fn edit_license(
        &self,
        context: &Context,
        id: LicenseId,
        changes: LicenseChanges,
        unchanged: &(dyn Fn(&EffectiveLicense) -> bool + Sync),
        body: Body<'_, EffectiveLicense>,
    ) -> Result<Done<EffectiveLicense>, CommandError> {
        let license = self.licenses.get(&context.tenant, id.0).await?;
        let facts = license
            .state
            .facts()
            .ok_or(CommandError::License(LicenseRejection::NotFound))?;
        let sealer = self.person_sealer(&context.tenant, facts.issued.customer_id).await?;
        let order = |_: &License, present: &EffectiveLicense| {
            if !unchanged(present) {
                return Err(CommandError::Stale);
            }
            let license = present.license();
            let mut fields = Fields::new();
            let overrides = Overrides {
                seats: fields.optional_number("seats", changes.seats, license.overrides.seats),
                features: fields
                    .features("features", changes.features.as_ref())
                    .unwrap_or_else(|| license.overrides.features.clone()),
                limits: fields
                    .limits("limits", changes.limits.as_ref())
                    .unwrap_or_else(|| license.overrides.limits.clone()),
            };
            let valid_from = fields
                .time("valid_from", changes.valid_from.as_deref())
                .unwrap_or(license.valid_from);
            let expires_at = match &changes.expires_at {
                None => license.expires_at,
                Some(end) => fields.time("expires_at", end.as_deref()),
            };
            let open = |sealed| sealer.as_ref().and_then(|sealer| sealer.open(sealed).ok());
            let note = match &changes.note {
                None => license.note.clone(),
                Some(note) => {
                    let text = fields
                        .take_optional("note", note.as_deref(), Text::<2000>::parse)
                        .map(Text::into_string);
                    let same = license.note.as_ref().and_then(open) == text;
                    let seal = |text: String| sealer.as_ref().map(|sealer| sealer.seal(&text));
                    if same {
                        license.note.clone()
                    } else {
                        text.and_then(seal)
                    }
                }
            };
            let (overrides, valid_from, expires_at, note): (_, Timestamp, _, _) =
                fields.finish(Some((overrides, valid_from, expires_at, note)))?;
            Ok(LicenseCommand::Edit {
                overrides,
                valid_from,
                expires_at,
                note,
                at: context.now,
            })
        };
        self.order_license(context, id, order, body).await
    }
}
