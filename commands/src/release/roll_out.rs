//! Offers a release to more machines, or to fewer.

use licet_domain::{
    api_key::Scope,
    product::ProductCommand,
    release::{PublishedRelease, Release, ReleaseCommand, ReleasePublished},
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
        let done = done?;
        if rollout_percent == 100 {
            self.raise_minimum(context, &done.value).await?;
        }
        Ok(done)
    }

    /// A release that reaches everybody may say which versions must not run any more. After a crash in between, rolling
    /// it out to everybody again does this too.
    async fn raise_minimum(&self, context: &Context, release: &PublishedRelease) -> Result<(), CommandError> {
        let published = &release.published;
        let Some(version) = &published.min_version else {
            return Ok(());
        };
        if published.channel.as_str() != ReleasePublished::STABLE || release.yanked {
            return Ok(());
        }
        let mut context = context.clone();
        (context.command_id, context.idempotency) = (self.edge.id(), None);
        let order = |_: &_| {
            Ok::<_, CommandError>(ProductCommand::RaiseMinimumVersion {
                version: version.clone(),
                release_id: published.release_id,
                at: context.now,
            })
        };
        let about = (published.product_id.0, &context, context.envelope());
        self.run(&self.products, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(())
    }
}
