//! Offers a release to more machines, or to fewer.

use licet_domain::{
    api_key::Scope,
    release::{PublishedRelease, Release, ReleaseCommand},
};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform};

impl Platform {
    /// Changes to how many percent of the machines a release is offered that still is as `unchanged` says.
    pub async fn roll_out_release(
        &self,
        context: &Context,
        id: Uuid,
        rollout_percent: i64,
        unchanged: &(dyn Fn(&PublishedRelease) -> bool + Sync),
        body: Body<'_, PublishedRelease>,
    ) -> Result<Done<PublishedRelease>, CommandError> {
        context.require(Scope::Admin)?;
        let mut fields = Fields::new();
        let rollout_percent: u8 = fields.number("rollout_percent", Some(rollout_percent), 100);
        let rollout_percent = fields.finish(Some(rollout_percent))?;
        let facts = |state: &Release| state.facts().cloned().ok_or(CommandError::NotFound("release"));
        let order = |state: &_| {
            let at = context.now;
            unchanged(&facts(state)?)
                .then_some(ReleaseCommand::ChangeRollout { rollout_percent, at })
                .ok_or(CommandError::Stale)
        };
        let about = (id, context, context.envelope());
        let done = self.run(&self.releases, about, order, facts, body).await;
        self.releases_changed();
        done
    }
}
