//! What `GET /api/admin/search` answers.

use serde::{Deserialize, Serialize};

/// What was found, the best first; at most 20.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    /// The things.
    pub items: Vec<FoundThing>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundThing {
    /// `customer`, `license`, `operator`, `policy` or `product`.
    pub kind: String,
    /// Which.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What tells it from others of that name.
    pub detail: String,
    /// How well it matches, 0 to 1.
    pub score: f64,
}
