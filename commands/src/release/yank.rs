//! Takes a release back.

use licet_domain::{
    api_key::Scope,
    release::{PublishedRelease, ReleaseCommand},
};
use uuid::Uuid;

use crate::{CommandError, Context, Done, Platform};

impl Platform {
    /// Takes a release back that still is as `unchanged` says; it is no longer offered.
    pub async fn yank_release(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: &(dyn Fn(&PublishedRelease) -> bool + Sync),
    ) -> Result<Done<PublishedRelease>, CommandError> {
        context.require(Scope::Admin)?;
        let facts =
            |state: &licet_domain::release::Release| state.facts().cloned().ok_or(CommandError::NotFound("release"));
        let order = |state: &_| {
            let fresh = unchanged(&facts(state)?);
            fresh
                .then_some(ReleaseCommand::Yank { at: context.now })
                .ok_or(CommandError::Stale)
        };
        let about = (id, context, context.envelope());
        let done = self.run(&self.releases, about, order, facts, &|_| String::new()).await;
        self.releases_changed();
        done
    }
}
