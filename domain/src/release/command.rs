//! Orders to a release.

use super::event::ReleasePublished;
use crate::values::Timestamp;

/// An order to a release.
#[derive(Debug, Clone)]
pub enum ReleaseCommand {
    /// Publishes a version; product, channel and version are claimed in the same submission.
    Publish(ReleasePublished),
    /// Takes the version back: it is no longer offered.
    Yank {
        /// Now.
        at: Timestamp,
    },
}
