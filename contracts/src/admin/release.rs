//! Releases.

use serde::{Deserialize, Serialize};

/// `POST /api/admin/releases`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"product": "studio", "version": "1.4.2", "min_version": "1.2.0"})))]
pub struct CreateRelease {
    /// The product, by code or id.
    pub product: String,
    /// The version, as the product's scheme writes it.
    pub version: String,
    /// The channel; default `stable`.
    pub channel: Option<String>,
    /// Whether programs must update to it.
    pub mandatory: Option<bool>,
    /// The lowest version that may still run.
    pub min_version: Option<String>,
    /// Where to fetch it.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub download_url: Option<String>,
    /// SHA-256 of the download, hexadecimal.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// What is new.
    pub notes: Option<String>,
    /// To how many percent of the machines it is offered, always the same ones first; default 100.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub rollout_percent: Option<i64>,
}

/// `PATCH /api/admin/releases/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"rollout_percent": 50})))]
pub struct EditRelease {
    /// To how many percent of the machines it is offered.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub rollout_percent: i64,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Release {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The product's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub product_id: String,
    /// The version.
    pub version: String,
    /// The channel.
    pub channel: String,
    /// Whether programs must update to it.
    pub mandatory: bool,
    /// The lowest version that may still run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
    /// Where to fetch it.
    #[cfg_attr(feature = "openapi", schema(format = "uri", required))]
    pub download_url: Option<String>,
    /// SHA-256 of the download.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$", required))]
    pub sha256: Option<String>,
    /// What is new.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub notes: Option<String>,
    /// To how many percent of the machines it is offered.
    pub rollout_percent: u8,
    /// `published` or `yanked`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ReleaseStatus))]
    pub status: String,
    /// When it was published.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}
