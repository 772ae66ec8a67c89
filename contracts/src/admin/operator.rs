//! Operators and their sessions.

use serde::{Deserialize, Serialize};

/// `POST /api/admin/operators`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Ada Example", "email": "ada@example.com", "role": "support"})))]
pub struct InviteOperator {
    /// The name, 1 to 200 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: String,
    /// The mail address, by which it signs in; nobody else's.
    #[cfg_attr(feature = "openapi", schema(format = "email"))]
    pub email: String,
    /// What it may do; `GET /api/admin/permissions` says what that is.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Role))]
    pub role: String,
}

/// `PATCH /api/admin/operators/{id}`; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"role": "sales"})))]
pub struct EditOperator {
    /// The name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::shapes::Role>))]
    pub role: Option<String>,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operator {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// The name.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
    /// The mail address.
    #[cfg_attr(feature = "openapi", schema(required, format = "email"))]
    pub email: Option<String>,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Role))]
    pub role: String,
    /// `invited`: it has set no password yet; `active`; `locked`: too many failures, for strangers' browsers; `disabled`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::OperatorStatus))]
    pub status: String,
    /// Whether its second factor counts.
    pub has_second_factor: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
    /// Until when strangers' browsers are shut out, where they are.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub locked_until: Option<String>,
    /// When it was invited.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// The link that lets it set the first password: in the answer to the invitation, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub setup_url: Option<String>,
}

/// A session: a browser that an operator signed in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Whose it is.
    pub operator: NamedOperator,
    /// `signing_in`: the second factor is still asked for; `live`; `ended`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::SessionStatus))]
    pub status: String,
    /// From which address it was begun.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub address: Option<String>,
    /// With which browser.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user_agent: Option<String>,
    /// When it was begun.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub started_at: String,
    /// When it was last used, to the minute.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub last_seen_at: String,
    /// When it ends at the latest.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub ended_at: Option<String>,
    /// Why it ended.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<crate::shapes::EndReason>))]
    pub end_reason: Option<String>,
    /// Who ended it, where it was a person.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_by: Option<NamedOperator>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// An operator by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedOperator {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
}
