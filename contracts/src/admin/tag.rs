//! Tags.

use serde::{Deserialize, Serialize};

/// `POST /api/admin/tags`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Key account", "color": "#0ea5e9"})))]
pub struct CreateTag {
    /// The word, 1 to 50 characters; unique among the tags in use, whatever its case.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 50))]
    pub name: String,
    /// How it is painted: `#rrggbb`; gray, unless another is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub color: Option<String>,
}

/// `PATCH /api/admin/tags/{id}`; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Strategic account"})))]
pub struct EditTag {
    /// The word.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 50))]
    pub name: Option<String>,
    /// How it is painted: `#rrggbb`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub color: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tag {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The word.
    pub name: String,
    /// How it is painted: `#rrggbb`, in lower case.
    #[cfg_attr(feature = "openapi", schema(pattern = "^#[0-9a-f]{6}$"))]
    pub color: String,
    /// `active` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}
