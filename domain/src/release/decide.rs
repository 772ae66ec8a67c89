//! The rules of a release.

use super::{
    command::ReleaseCommand,
    event::{ReleaseEvent, ReleaseRolloutChanged, ReleaseYanked},
    state::Release,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Release {
    const TYPE: &'static str = "release";
    const STATE_SCHEMA: i32 = 2;
    type State = Self;
    type Command = ReleaseCommand;
    type Event = ReleaseEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: ReleaseCommand) -> Result<Vec<ReleaseEvent>, ResourceRejection> {
        match (state, command) {
            (Self::Absent, ReleaseCommand::Publish(release)) => {
                if release
                    .min_version
                    .as_ref()
                    .is_some_and(|minimum| minimum.cmp_precedence(&release.version).is_gt())
                {
                    return Err(minimum_above_version());
                }
                if release.rollout_percent.is_some_and(|percent| percent > 100) {
                    return Err(ResourceRejection::out_of_range(
                        "rollout_percent",
                        "rollout_percent must be 0 to 100",
                    ));
                }
                Ok(vec![ReleaseEvent::Published(release)])
            }
            (Self::Published(_), ReleaseCommand::Publish(_)) => Err(ResourceRejection::AlreadyExists(Release::KIND)),
            (Self::Absent, ReleaseCommand::Yank { .. } | ReleaseCommand::ChangeRollout { .. }) => {
                Err(ResourceRejection::NotFound(Release::KIND))
            }
            (Self::Published(release), ReleaseCommand::ChangeRollout { rollout_percent, at }) => {
                if rollout_percent > 100 {
                    return Err(ResourceRejection::out_of_range(
                        "rollout_percent",
                        "rollout_percent must be 0 to 100",
                    ));
                }
                if release.yanked {
                    let (code, detail) = ("RELEASE_YANKED", "this release was yanked");
                    return Err(ResourceRejection::Conflict { code, detail });
                }
                let event = ReleaseEvent::RolloutChanged(ReleaseRolloutChanged { rollout_percent, at });
                let changed = release.rollout_percent != rollout_percent;
                Ok(changed.then_some(event).into_iter().collect())
            }
            (Self::Published(release), ReleaseCommand::Yank { at }) => Ok((!release.yanked)
                .then_some(ReleaseEvent::Yanked(ReleaseYanked { at }))
                .into_iter()
                .collect()),
        }
    }

    fn evolve(state: Self, event: &ReleaseEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        1_000
    }
}

/// It would forbid itself.
fn minimum_above_version() -> ResourceRejection {
    ResourceRejection::out_of_range("min_version", "min_version must not be above the release's own version")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        release::ReleasePublished,
        testing::given,
        values::{Code, ProductId, ReleaseId, Timestamp},
    };

    fn publish(version: &str, min_version: Option<&str>) -> ReleaseCommand {
        ReleaseCommand::Publish(ReleasePublished {
            release_id: ReleaseId(Uuid::nil()),
            product_id: ProductId(Uuid::nil()),
            version: version.parse().unwrap(),
            channel: Code::parse("stable").unwrap(),
            mandatory: false,
            min_version: min_version.map(|text| text.parse().unwrap()),
            download_url: None,
            sha256: None,
            notes: None,
            rollout_percent: None,
            at: Timestamp::from_millis(0),
        })
    }

    #[test]
    fn a_release_must_not_forbid_itself() {
        given::<Release>([])
            .when(publish("1.0.0", Some("1.0.1")))
            .then_rejected(&minimum_above_version());
    }

    #[test]
    fn a_release_is_published_once_and_yanked_once() {
        let published = given::<Release>([])
            .when(publish("1.0.0", None))
            .then_events()
            .remove(0);
        given::<Release>([published.clone()])
            .when(publish("1.0.0", None))
            .then_rejected(&ResourceRejection::AlreadyExists(Release::KIND));
        let yank = || ReleaseCommand::Yank {
            at: Timestamp::from_millis(1),
        };
        let yanked = given::<Release>([published.clone()])
            .when(yank())
            .then_events()
            .remove(0);
        given::<Release>([published, yanked]).when(yank()).then_nothing();
        given::<Release>([])
            .when(yank())
            .then_rejected(&ResourceRejection::NotFound(Release::KIND));
    }
}
