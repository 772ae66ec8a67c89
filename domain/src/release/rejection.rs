//! Why an order to a release is refused.

/// Why an order to a release is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRejection {
    /// There is no such release.
    #[error("there is no such release")]
    NotFound,
    /// The id is taken.
    #[error("this release exists already")]
    AlreadyExists,
    /// More than all machines.
    #[error("rollout_percent must be 0 to 100")]
    RolloutOutOfRange,
    /// It was taken back.
    #[error("this release was yanked")]
    Yanked,
    /// It would forbid itself.
    #[error("min_version must not be above the release's own version")]
    MinimumAboveVersion,
}
