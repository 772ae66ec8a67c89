//! Errors, as RFC 9457 problem details.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `application/problem+json`. Programs branch on `code` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and what to do, for people.
    pub detail: String,
    /// The kind of problem, for programs: `SCREAMING_SNAKE_CASE`, stable.
    pub code: String,
    /// The request's id, also in `X-Request-Id`.
    pub request_id: String,
    /// What is wrong with single fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Facts that belong to the code, such as `limit` and `active`.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub facts: Map<String, Value>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// Stable, for programs.
    pub code: String,
    /// What would be right, for people.
    pub detail: String,
}
