//! Customers.

use serde::{Deserialize, Serialize};

use crate::nullable;

/// `POST /api/admin/customers`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Universität Wien", "email": "licenses@univie.ac.at"})))]
pub struct CreateCustomer {
    /// The name.
    pub name: String,
    /// The mail address.
    #[cfg_attr(feature = "openapi", schema(format = Email))]
    pub email: String,
    /// The company.
    pub company: Option<String>,
}

/// `PATCH /api/admin/customers/{id}`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"company": "Universität Wien"})))]
pub struct EditCustomer {
    /// The name.
    pub name: Option<String>,
    /// The mail address.
    #[cfg_attr(feature = "openapi", schema(format = Email))]
    pub email: Option<String>,
    /// The company; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "nullable::read",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub company: Option<Option<String>>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Customer {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The name; `null` once it was forgotten.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
    /// The mail address; `null` once it was forgotten.
    #[cfg_attr(feature = "openapi", schema(format = Email, required))]
    pub email: Option<String>,
    /// The company.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub company: Option<String>,
    /// Whether the personal data was destroyed.
    pub forgotten: bool,
    /// `active` or `retired`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ResourceStatus))]
    pub status: String,
    /// When it was taken up.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}
