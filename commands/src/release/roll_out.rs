//! Offers a release to more machines, or to fewer.

use licet_domain::{
    product::ProductCommand,
    release::{PublishedRelease, Release, ReleaseCommand, ReleasePublished},
};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform, Unchanged};

impl Platform {
    /// Changes to how many percent of the machines a release is offered that still is as `unchanged` says.
    pub async fn roll_out_release(
        &self,
        context: &Context,
        id: Uuid,
        rollout_percent: i64,
        unchanged: Unchanged<'_, Release>,
        body: Body<'_, Release>,
    ) -> Result<Done<Release>, CommandError> {
        let mut fields = Fields::new();
        let rollout_percent: u8 = fields.number("rollout_percent", Some(rollout_percent), 100);
        let rollout_percent = fields.finish(Some(rollout_percent))?;
        let order = |_: &Release| {
            let at = context.now;
            Ok(ReleaseCommand::ChangeRollout { rollout_percent, at })
        };
        let about = (id, context, context.envelope());
        let done = self.change(about, unchanged, order, body).await?;
        if let Some(release) = done.value.facts().filter(|_| rollout_percent == 100) {
            self.raise_minimum(context, release).await?;
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
        self.run(&self.resources.products, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(())
    }
}
