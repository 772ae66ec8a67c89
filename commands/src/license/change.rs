//! Suspends, resumes, revokes and retires a license.

use licet_domain::{
    license::{License, LicenseCommand, LicenseRejection},
    values::{LicenseId, Text},
};

use super::EffectiveLicense;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// What is to become of a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingChange {
    /// Stops it for a while.
    Suspend,
    /// Lets it work again.
    Resume,
    /// Ends it for good.
    Revoke,
}

impl Platform {
    /// Changes how a license stands; one that stands so already is left as it is.
    pub async fn change_license(
        &self,
        context: &Context,
        id: LicenseId,
        change: StandingChange,
        reason: Option<String>,
        body: Body<'_, EffectiveLicense>,
    ) -> Result<Done<EffectiveLicense>, CommandError> {
        let reason = read_reason(reason.as_deref())?;
        let at = context.now;
        let command = match change {
            StandingChange::Suspend => LicenseCommand::Suspend { reason, at },
            StandingChange::Resume => LicenseCommand::Resume { reason, at },
            StandingChange::Revoke => LicenseCommand::Revoke { reason, at },
        };
        self.order_license(context, id, move |_, _| Ok(command.clone()), body)
            .await
    }

    /// Takes a license out of the books that still is as `unchanged` says.
    pub async fn retire_license(
        &self,
        context: &Context,
        id: LicenseId,
        unchanged: &(dyn Fn(&EffectiveLicense) -> bool + Sync),
    ) -> Result<Done<EffectiveLicense>, CommandError> {
        let order = |_: &License, present: &EffectiveLicense| {
            unchanged(present)
                .then_some(LicenseCommand::Retire { at: context.now })
                .ok_or(CommandError::Stale)
        };
        self.order_license(context, id, order, &|_| String::new()).await
    }

    /// Runs an operator's order on a license and answers the license as it stands after it.
    pub(super) async fn order_license(
        &self,
        context: &Context,
        id: LicenseId,
        order: impl Fn(&License, &EffectiveLicense) -> Result<LicenseCommand, CommandError> + Sync,
        body: Body<'_, EffectiveLicense>,
    ) -> Result<Done<EffectiveLicense>, CommandError> {
        let license = self.licenses.get(&context.tenant, id.0).await?;
        if license.state.facts().is_none() {
            return Err(CommandError::License(LicenseRejection::NotFound));
        }
        let effective = self.effective(&context.tenant, &license).await?;
        let order = |state: &License| order(state, &effective.with(state)?);
        let output = |state: &License| effective.with(state);
        let mut done = self
            .run(&self.licenses, (id.0, context, context.envelope()), order, output, body)
            .await?;
        done.value.position = done.position;
        Ok(done)
    }
}

pub(super) fn read_reason(reason: Option<&str>) -> Result<Option<String>, CommandError> {
    let mut fields = Fields::new();
    let reason = fields
        .take_optional("reason", reason, Text::<500>::parse)
        .map(Text::into_string);
    fields.finish(Some(reason))
}
