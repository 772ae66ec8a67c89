//! Replaces a policy's terms, for its existing licenses too.

use licet_domain::{api_key::Scope, policy::PolicyCommand};
use uuid::Uuid;

use super::{PolicyView, TermsChanges};
use crate::{Body, CommandError, Context, Done, Platform};

impl Platform {
    /// Changes the terms of a policy that still is as `unchanged` says.
    pub async fn edit_policy(
        &self,
        context: &Context,
        id: Uuid,
        changes: TermsChanges,
        unchanged: &(dyn Fn(&PolicyView) -> bool + Sync),
        body: Body<'_, PolicyView>,
    ) -> Result<Done<PolicyView>, CommandError> {
        context.require(Scope::Admin)?;
        let order = |state: &_| {
            let view = PolicyView::try_from(state)?;
            if !unchanged(&view) {
                return Err(CommandError::Stale);
            }
            Ok(PolicyCommand::Edit {
                terms: changes.applied_to(&view.policy.terms)?,
                at: context.now,
            })
        };
        self.run(
            &self.policies,
            (id, context, context.envelope()),
            order,
            |state| state.try_into(),
            body,
        )
        .await
    }
}
