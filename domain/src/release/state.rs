//! What a release's events amount to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    command::ReleaseCommand,
    event::{ReleaseEvent, ReleasePublished},
};
use crate::{Kind, Resource, values::Timestamp};

/// A release's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Release {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It is or was on offer.
    Published(PublishedRelease),
}

/// A release's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedRelease {
    /// What was published.
    pub published: ReleasePublished,
    /// To how many percent of the machines it is offered.
    pub rollout_percent: u8,
    /// Whether it was taken back.
    pub yanked: bool,
}

impl Release {
    /// The facts, on offer or not.
    pub fn facts(&self) -> Option<&PublishedRelease> {
        match self {
            Self::Absent => None,
            Self::Published(release) => Some(release),
        }
    }

    pub(super) fn apply(self, event: &ReleaseEvent) -> Self {
        match (self, event) {
            (_, ReleaseEvent::Published(event)) => Self::Published(PublishedRelease {
                published: event.clone(),
                rollout_percent: event.rollout_percent.unwrap_or(100),
                yanked: false,
            }),
            (Self::Published(release), ReleaseEvent::RolloutChanged(event)) => Self::Published(PublishedRelease {
                rollout_percent: event.rollout_percent,
                ..release
            }),
            (Self::Published(release), ReleaseEvent::Yanked(_)) => Self::Published(PublishedRelease {
                yanked: true,
                ..release
            }),
            (Self::Absent, ReleaseEvent::Yanked(_) | ReleaseEvent::RolloutChanged(_)) => Self::Absent,
        }
    }
}

impl Resource for Release {
    const KIND: Kind = Kind::new("release", "release", "releases");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.published.release_id.0)
    }

    fn is_retired(&self) -> bool {
        self.facts().is_some_and(|release| release.yanked)
    }

    fn retire(at: Timestamp) -> ReleaseCommand {
        ReleaseCommand::Yank { at }
    }

    fn code(&self) -> Option<String> {
        Some(self.facts()?.published.version.to_string())
    }

    fn parent(&self) -> Option<Uuid> {
        Some(self.facts()?.published.product_id.0)
    }
}
