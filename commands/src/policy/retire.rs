//! Takes a policy out of use.

use licet_domain::{api_key::Scope, policy::PolicyCommand};
use uuid::Uuid;

use super::PolicyView;
use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Takes a policy out of use that still is as `unchanged` says. Its code stays taken.
    pub async fn retire_policy(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&PolicyView) -> bool + Sync),
    ) -> Result<Done<PolicyView>, CommandError> {
        context.require(Scope::Admin)?;
        let order = |state: &_| {
            let fresh = unchanged(&PolicyView::try_from(state)?);
            fresh
                .then_some(PolicyCommand::Retire { at: context.now })
                .ok_or(CommandError::Stale)
        };
        self.run(
            &self.policies,
            (id, context, context.envelope()),
            order,
            |state| state.try_into(),
            &|_| String::new(),
        )
        .await
    }
}
