//! Orders to a release.

use super::event::ReleasePublished;
use crate::values::Timestamp;

/// An order to a release.
#[derive(Debug, Clone)]
pub enum ReleaseCommand {
    /// Publishes a version; product, channel and version are claimed in the same submission.
    Publish(ReleasePublished),
    /// Offers the version to more machines, or to fewer.
    ChangeRollout {
        /// To how many percent of them; 0 to 100.
        rollout_percent: u8,
        /// Now.
        at: Timestamp,
    },
    /// Takes the version back: it is no longer offered.
    Yank {
        /// Now.
        at: Timestamp,
    },
}
