//! What a release's events amount to.

use serde::{Deserialize, Serialize};

use super::event::{ReleaseEvent, ReleasePublished};

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
