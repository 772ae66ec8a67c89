//! What programs ask about newer versions of themselves.

use serde::{Deserialize, Serialize};

/// `POST /api/version/check`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"product": "studio", "version": "1.4.2", "machine": "4c4c4544"})))]
pub struct CheckVersionRequest {
    /// The product, by code or id.
    pub product: String,
    /// The version that runs, as the product's scheme writes it.
    pub version: String,
    /// The channel; default `stable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The license key, which places the machine in a staged roll-out when it names none itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_key: Option<String>,
    /// Any stable text of the machine; it places the machine in a staged roll-out. Who sends the activation's token has the
    /// place that verify tells, and names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Answered and signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The answer to a check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckVersionResponse {
    /// The version that runs.
    pub current: String,
    /// The newest version that this machine is offered; `null` when there is none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub latest: Option<String>,
    /// Whether it is newer than the one that runs.
    pub update_available: bool,
    /// Whether the program must not stay as it is: below the minimum, or a mandatory release is newer.
    pub update_required: bool,
    /// The lowest version that may run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
    /// Where to fetch the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub download_url: Option<String>,
    /// SHA-256 of the download, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// What is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The request's nonce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// `GET /api/version/latest`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LatestVersionResponse {
    /// The product's code.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The newest published version that was not yanked.
    pub version: String,
    /// Whether programs must update to it.
    pub mandatory: bool,
    /// The lowest version that may run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
    /// Where to fetch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub download_url: Option<String>,
    /// SHA-256 of the download, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// What is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// When it was published.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub published_at: String,
}
