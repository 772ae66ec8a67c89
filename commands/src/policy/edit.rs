//! Replaces a policy's terms, for its existing licenses too.

use licet_domain::{
    Resource as _,
    policy::{Policy, PolicyCommand},
};
use uuid::Uuid;

use super::TermsChanges;
use crate::{Body, CommandError, Context, Done, Platform, Unchanged};

impl Platform {
    /// Changes the terms of a policy that still is as `unchanged` says.
    pub async fn edit_policy(
        &self,
        context: &Context,
        id: Uuid,
        changes: TermsChanges,
        unchanged: Unchanged<'_, Policy>,
        body: Body<'_, Policy>,
    ) -> Result<Done<Policy>, CommandError> {
        let order = |state: &Policy| {
            Ok(PolicyCommand::Edit {
                terms: changes.applied_to(&state.live(Policy::KIND)?.terms)?,
                at: context.now,
            })
        };
        self.change((id, context, context.envelope()), unchanged, order, body)
            .await
    }
}
