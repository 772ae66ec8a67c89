//! Products.

use serde::{Deserialize, Serialize};

use crate::nullable;

/// `POST /api/admin/products`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"code": "studio", "name": "Studio"})))]
pub struct CreateProduct {
    /// Unique; `a-z 0-9 . _ -`.
    pub code: String,
    /// For people.
    pub name: String,
    /// How it writes its versions: `semver` (default), `numeric` or `calendar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::shapes::VersionScheme>))]
    pub version_scheme: Option<String>,
}

/// `PATCH /api/admin/products/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Studio Pro"})))]
pub struct EditProduct {
    /// For people.
    pub name: Option<String>,
    /// How it writes its versions: `semver`, `numeric` or `calendar`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::shapes::VersionScheme>))]
    pub version_scheme: Option<String>,
    /// The lowest version that may run; `null` lets every version run again.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "nullable::read"
    )]
    pub min_version: Option<Option<String>>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Product {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How it writes its versions: `semver`, `numeric` or `calendar`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::VersionScheme))]
    pub version_scheme: String,
    /// The lowest version that may run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub min_version: Option<String>,
    /// `active` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// When it was taken up.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}
