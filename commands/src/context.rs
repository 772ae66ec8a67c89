//! Who asks, for whom, when, and under which request.

use licet_domain::values::{Sealed, Timestamp};
use licet_event_store::{Actor, ActorKind, Envelope, IdempotentAnswer, Metadata, Tenant, vault::Sealer};
use uuid::Uuid;

use crate::Network;

/// Everything about a request that is not what it asks for.
#[derive(Clone)]
pub struct Context {
    /// Whose data.
    pub tenant: Tenant,
    /// Who asks.
    pub actor: Actor,
    /// When it arrived.
    pub now: Timestamp,
    /// The request's id.
    pub request_id: String,
    /// Joins everything that this request sets off.
    pub correlation_id: Uuid,
    /// Names the order, so that it is carried out once.
    pub command_id: Uuid,
    /// Client address and user agent, sealed.
    pub client: Option<Sealed>,
    /// The network that it came from (IPv4 /24, IPv6 /48), in the clear, for counting; it is not stored.
    pub network: Option<Network>,
    /// Set when the caller may repeat the request and wants the first answer again.
    pub idempotency: Option<Idempotency>,
}

/// Under which key an answer is kept.
#[derive(Clone)]
pub struct Idempotency {
    /// Hash of credential, route and key.
    pub scope_hash: [u8; 32],
    /// Hash of the body.
    pub request_hash: [u8; 32],
    /// The status that the answer has.
    pub status: u16,
    /// Seals the body.
    pub sealer: Sealer,
}

/// What a command did, and where in the one order of events that stands.
#[derive(Debug, Clone)]
pub struct Done<T> {
    /// What to answer.
    pub value: T,
    /// `Licet-Position`.
    pub position: i64,
    /// Whether anything was recorded; `false` when it was so already.
    pub changed: bool,
}

impl Context {
    /// A context for what the server does by itself.
    pub fn system(name: &str, tenant: Tenant, now: Timestamp, id: Uuid) -> Self {
        Self {
            tenant,
            actor: Actor::system(name),
            now,
            request_id: id.to_string(),
            correlation_id: id,
            command_id: id,
            client: None,
            network: None,
            idempotency: None,
        }
    }

    /// The same request, of an operator who has proven who it is.
    #[must_use]
    pub fn by_operator(&self, id: Uuid) -> Self {
        Self {
            actor: Actor {
                kind: ActorKind::Operator,
                id: id.to_string(),
            },
            ..self.clone()
        }
    }

    /// What is stored beside the events.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            actor_kind: self.actor.kind,
            actor_id: self.actor.id.clone(),
            request_id: self.request_id.clone(),
            correlation_id: self.correlation_id,
            causation_position: None,
            client: self.client.clone(),
        }
    }

    /// What goes into the log beside an aggregate's events.
    pub fn envelope(&self) -> Envelope {
        Envelope {
            tenant: self.tenant.clone(),
            metadata: self.metadata(),
            command_id: self.command_id,
            claims: Vec::new(),
            releases: Vec::new(),
            forgets: Vec::new(),
            preconditions: Vec::new(),
        }
    }

    /// The answer to keep, when the caller asked for it.
    pub fn answer(&self, body: impl FnOnce() -> String) -> Option<IdempotentAnswer> {
        self.answer_with(self.idempotency.as_ref().map_or(200, |key| key.status), None, body)
    }

    /// The same with another status, and with the position of the earlier change that it tells of.
    pub(crate) fn answer_with(
        &self,
        status: u16,
        position: Option<i64>,
        body: impl FnOnce() -> String,
    ) -> Option<IdempotentAnswer> {
        self.idempotency.as_ref().map(|key| IdempotentAnswer {
            scope_hash: key.scope_hash,
            request_hash: key.request_hash,
            status,
            position,
            response: key.sealer.seal(&body()).0,
        })
    }
}
