//! What is recorded of a release.

use serde::{Deserialize, Serialize};

use crate::values::{Code, ProductId, ReleaseId, Text, Timestamp, Version};

crate::events! {
    /// What is recorded of a release.
    pub enum ReleaseEvent {
        /// It was published.
        Published(ReleasePublished) = ("release.published", 1),
        /// It is offered to more machines, or to fewer.
        RolloutChanged(ReleaseRolloutChanged) = ("release.rollout_changed", 1),
        /// It was taken back.
        Yanked(ReleaseYanked) = ("release.yanked", 1),
    }
}

/// A version was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleasePublished {
    /// Its id.
    pub release_id: ReleaseId,
    /// The product.
    pub product_id: ProductId,
    /// The version.
    pub version: Version,
    /// The channel, such as `stable`.
    pub channel: Code,
    /// Whether programs must update to it.
    pub mandatory: bool,
    /// The lowest version that may still run once this one is out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<Version>,
    /// Where to fetch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_url: Option<Text<2000>>,
    /// SHA-256 of the download, 64 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Text<64>>,
    /// What is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Text<10_000>>,
    /// To how many percent of the machines it is offered; absent is to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_percent: Option<u8>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

impl ReleasePublished {
    /// The channel that every program follows unless it says otherwise.
    pub const STABLE: &'static str = "stable";

    /// Whether all machines are offered it: only such a release may lock older versions out.
    pub fn for_everybody(&self) -> bool {
        self.channel.as_str() == Self::STABLE && self.rollout_percent.is_none_or(|percent| percent == 100)
    }
}

/// A version is offered to more machines, or to fewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRolloutChanged {
    /// To how many percent of them, from now on.
    pub rollout_percent: u8,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A version was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseYanked {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
