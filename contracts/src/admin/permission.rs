//! Who may do what.

use serde::{Deserialize, Serialize};

/// `GET /api/admin/permissions`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permissions {
    /// All of them.
    pub permissions: Vec<Permission>,
}

/// One thing that may be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permission {
    /// Its name, such as `products.write`.
    pub permission: String,
    /// The scope of API keys that have it; `admin` has what `read` has.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Scope))]
    pub scope: String,
    /// The roles of operators that have it.
    pub roles: Vec<String>,
    /// What it is needed for, such as `POST /api/admin/products`.
    pub routes: Vec<String>,
}
