//! Who did it, from where, under which request.

use licet_domain::values::Sealed;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of someone acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A machine with an API key.
    ApiKey,
    /// A licensed machine with its activation token.
    Activation,
    /// Someone who works in the back office.
    Operator,
    /// The server itself: timers and the start.
    System,
}

impl ActorKind {
    /// The name as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Activation => "activation",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of someone.
    pub kind: ActorKind,
    /// Which one: an id, or a name such as `bootstrap`.
    pub id: String,
}

impl Actor {
    /// The server itself, by the name of what acts in it.
    pub fn system(name: &str) -> Self {
        Self {
            kind: ActorKind::System,
            id: name.to_owned(),
        }
    }
}

/// Stored beside every event. All values are text, so that tools made for postgres-es can read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What kind of someone acted.
    pub actor_kind: ActorKind,
    /// Which one.
    pub actor_id: String,
    /// The request's id, as answered in `X-Request-Id`.
    pub request_id: String,
    /// Joins everything that one cause set off.
    pub correlation_id: Uuid,
    /// The position of the event that set this off, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_position: Option<String>,
    /// Client address and user agent, sealed with the tenant's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Sealed>,
}

impl Metadata {
    /// What the server does by itself.
    pub fn system(name: &str, correlation_id: Uuid) -> Self {
        Self {
            actor_kind: ActorKind::System,
            actor_id: name.to_owned(),
            request_id: correlation_id.to_string(),
            correlation_id,
            causation_position: None,
            client: None,
        }
    }

    /// The text that is stored and hashed.
    pub(crate) fn encode(&self) -> String {
        serde_json::to_string(self).expect("metadata holds only strings, which always encode")
    }
}
