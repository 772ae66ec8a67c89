//! What happened, and who did it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// What kind of someone.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::ActorKind))]
    pub kind: String,
    /// Which one: an operator's, an API key's or an activation's id, or the name of what the server does by itself.
    pub id: String,
    /// What it is called, where it has a name: an operator's, or an API key's.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub name: Option<String>,
}

/// An event of a resource's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Its place in the one order of events.
    pub position: i64,
    /// Its place in the resource's history.
    pub sequence: i64,
    /// What happened, such as `license.activated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of `data`'s shape.
    pub version: String,
    /// What is recorded: personal data as it reads, while its person is known; without keys and secrets.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub data: Value,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub recorded_at: String,
    /// Who did it, by name.
    pub actor: Actor,
    /// What kind of someone did it.
    pub actor_kind: String,
    /// Who did it.
    pub actor_id: String,
    /// Under which request.
    pub request_id: String,
}

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The event's place in the one order of events.
    pub position: i64,
    /// When it was recorded, by the log's clock, in UTC.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub recorded_at: String,
    /// Who did it, by name.
    pub actor: Actor,
    /// What kind of someone.
    pub actor_kind: String,
    /// The actor's id: an API key's, an activation's, or the name of what the server does by itself.
    pub actor_id: String,
    /// What, such as `license.suspended`.
    pub action: String,
    /// To what kind of thing.
    pub aggregate_type: String,
    /// To which.
    pub aggregate_id: String,
    /// Under which request.
    pub request_id: String,
    /// Joins everything that one cause set off.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub correlation_id: String,
    /// From which address.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub client_address: Option<String>,
    /// With which program.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user_agent: Option<String>,
}
