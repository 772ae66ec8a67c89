//! What an API key's events amount to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    command::ApiKeyCommand,
    event::{ApiKeyCreated, ApiKeyEvent},
};
use crate::{Kind, Resource, values::Timestamp};

/// What a credential may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The license routes.
    Client,
    /// Reading over the admin routes.
    Read,
    /// Reading and changing over the admin routes.
    Admin,
}

impl Scope {
    /// The scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// An API key's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum ApiKey {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It was made.
    Issued(IssuedApiKey),
}

/// An API key's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuedApiKey {
    /// How it was made.
    pub created: ApiKeyCreated,
    /// When it was ended by hand.
    pub revoked_at: Option<Timestamp>,
}

impl IssuedApiKey {
    /// Whether it still opens anything.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.created.expires_at.is_none_or(|end| now < end)
    }
}

impl ApiKey {
    /// The facts.
    pub fn facts(&self) -> Option<&IssuedApiKey> {
        match self {
            Self::Absent => None,
            Self::Issued(key) => Some(key),
        }
    }

    pub(super) fn apply(self, event: &ApiKeyEvent) -> Self {
        match (self, event) {
            (_, ApiKeyEvent::Created(event)) => Self::Issued(IssuedApiKey {
                created: event.clone(),
                revoked_at: None,
            }),
            (Self::Issued(key), ApiKeyEvent::Revoked(event)) => Self::Issued(IssuedApiKey {
                revoked_at: Some(event.at),
                ..key
            }),
            (Self::Issued(mut key), ApiKeyEvent::Superseded(event)) => {
                key.created.expires_at = Some(event.expires_at);
                Self::Issued(key)
            }
            (Self::Absent, ApiKeyEvent::Revoked(_) | ApiKeyEvent::Superseded(_)) => Self::Absent,
        }
    }
}

impl Resource for ApiKey {
    const KIND: Kind = Kind::new("api_key", "API key", "api-keys");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.created.api_key_id.0)
    }

    fn is_retired(&self) -> bool {
        self.facts().is_some_and(|key| key.revoked_at.is_some())
    }

    fn retire(at: Timestamp) -> ApiKeyCommand {
        ApiKeyCommand::Revoke { at }
    }
}
