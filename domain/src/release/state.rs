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
                yanked: false,
            }),
            (Self::Published(release), ReleaseEvent::Yanked(_)) => Self::Published(PublishedRelease {
                yanked: true,
                ..release
            }),
            (Self::Absent, ReleaseEvent::Yanked(_)) => Self::Absent,
        }
    }
}
