//! Replays, as analysts ask for them.

use serde::{Deserialize, Serialize};

/// `POST /api/admin/replays`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "license_state", "as_of": "2027-01-31T12:00:00Z", "format": "csv"})))]
pub struct CreateReplay {
    /// The read model.
    pub name: String,
    /// The moment: a time or a position; default now.
    #[serde(default)]
    pub as_of: Option<String>,
    /// `parquet` (default) or `csv`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::shapes::ReplayFormat>))]
    pub format: Option<String>,
}

/// A replay.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replay {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The read model.
    pub name: String,
    /// The position up to which history counts.
    pub position: i64,
    /// `parquet` or `csv`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ReplayFormat))]
    pub format: String,
    /// `running`, `done` or `failed`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ReplayStatus))]
    pub status: String,
    /// How far it is: the position that was reached.
    pub reached: i64,
    /// Why it failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
    /// Its files, once it is done; they are kept for a day.
    pub files: Vec<ReplayFile>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}

/// A file of a replay.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayFile {
    /// The table.
    pub table: String,
    /// Where to fetch it.
    pub url: String,
    /// How many bytes it has.
    pub bytes: i64,
}
