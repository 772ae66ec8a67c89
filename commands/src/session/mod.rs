//! Use cases of sessions: begun, made more of, found by their token, ended.
//!
//! Tokens are drawn here and kept as hashes, as claims; each step of signing in draws another one.

use std::sync::Arc;

use licet_domain::{
    operator::{KnownOperator, Operator},
    session::{EndReason, Level, Session, SessionBegun, SessionCommand, SessionEnded},
    values::{OperatorId, SessionId, Timestamp},
};
use licet_event_store::{Claim, Envelope, Release, Tenant, Versioned};
use uuid::Uuid;

use crate::{CommandError, Context, Platform};

/// What a claim on a token is called.
const CLAIM: &str = "session_token";

/// A session with the token that opens it: the only time that it is seen.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// The session.
    pub id: Uuid,
    /// What the browser keeps.
    pub token: String,
}

/// Who a token is of.
#[derive(Debug, Clone)]
pub struct SessionHolder {
    /// The session.
    pub session: Arc<Versioned<Session>>,
    /// Its operator.
    pub operator: Arc<Versioned<Operator>>,
}

impl Platform {
    /// Begins a session of an operator whose password was right.
    pub async fn begin_session(
        &self,
        context: &Context,
        operator: Uuid,
        level: Level,
        lifetime_seconds: i64,
    ) -> Result<OpenedSession, CommandError> {
        let id = self.edge.id();
        // Another node's clock may be ahead, and a password that was set just now must not end what begins with it.
        let known = self.resources.operators.get(&context.tenant, operator).await?;
        let valid_from = known.state.facts().map(|operator| operator.sessions_valid_from);
        let at = valid_from.map_or(context.now, |from| from.max(context.now));
        let begun = SessionBegun {
            session_id: SessionId(id),
            operator_id: OperatorId(operator),
            level,
            client: context.client.clone(),
            ends_at: at.plus_seconds(lifetime_seconds),
            at,
        };
        let (token, claim) = self.draw_token(context, id).await?;
        // One request may order other things besides.
        let envelope = Envelope {
            claims: vec![claim],
            command_id: self.edge.id(),
            ..context.envelope()
        };
        let order = |_: &_| Ok(SessionCommand::Begin(Box::new(begun.clone())));
        let about = (id, context, envelope);
        self.run(&self.resources.sessions, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(OpenedSession { id, token })
    }

    /// Makes a whole session of one that waited for its second factor. The token that it had opens nothing any more.
    pub async fn elevate_session(
        &self,
        context: &Context,
        id: Uuid,
        old_token: &str,
    ) -> Result<OpenedSession, CommandError> {
        let (token, claim) = self.draw_token(context, id).await?;
        let old = self.claim(&context.tenant, CLAIM, old_token, id).await?;
        let envelope = Envelope {
            claims: vec![claim],
            releases: vec![Release {
                kind: old.kind,
                value_hash: old.value_hash,
            }],
            command_id: self.edge.id(),
            ..context.envelope()
        };
        let order = |_: &_| Ok(SessionCommand::Elevate { at: context.now });
        let about = (id, context, envelope);
        self.run(&self.resources.sessions, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(OpenedSession { id, token })
    }

    /// Notes that the password was asked for again, and was right.
    pub(crate) async fn reauthenticated(&self, context: &Context, id: Uuid) -> Result<(), CommandError> {
        let order = |_: &_| Ok(SessionCommand::Reauthenticate { at: context.now });
        let envelope = Envelope {
            command_id: self.edge.id(),
            ..context.envelope()
        };
        let about = (id, context, envelope);
        self.run(&self.resources.sessions, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(())
    }

    /// Ends a session; one that has ended stays as it is.
    pub async fn end_session(
        &self,
        context: &Context,
        id: Uuid,
        reason: EndReason,
        by: Option<Uuid>,
    ) -> Result<(), CommandError> {
        let ended = SessionEnded {
            reason,
            by: by.map(OperatorId),
            at: context.now,
        };
        let order = |_: &_| Ok(SessionCommand::End(ended.clone()));
        let envelope = Envelope {
            command_id: self.edge.id(),
            ..context.envelope()
        };
        let about = (id, context, envelope);
        self.run(&self.resources.sessions, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(())
    }

    /// Whose session a token opens; `None` where it opens none, or its operator is let in no more.
    pub async fn session_of(
        &self,
        tenant: &Tenant,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<SessionHolder>, CommandError> {
        if token.len() != 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let hash = self.look_up_key(tenant).await?.hash(CLAIM, token.as_bytes());
        let Some(id) = self.holder(tenant, CLAIM, hash).await? else {
            return Ok(None);
        };
        let mut session = self.resources.sessions.get(tenant, id).await?;
        // On its way in it may come by another node each time, faster than the nodes hear of each other.
        let is_in = |session: &Session| session.facts().is_some_and(|session| session.level == Level::Full);
        if !is_in(&session.state) {
            session = self.resources.sessions.fresh(tenant, id).await?;
        }
        self.holder_of(tenant, session, now).await
    }

    /// Whose a session is, by its id.
    pub async fn session_by_id(
        &self,
        tenant: &Tenant,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<SessionHolder>, CommandError> {
        let session = self.resources.sessions.get(tenant, id).await?;
        self.holder_of(tenant, session, now).await
    }

    async fn holder_of(
        &self,
        tenant: &Tenant,
        session: Arc<Versioned<Session>>,
        now: Timestamp,
    ) -> Result<Option<SessionHolder>, CommandError> {
        let Some(live) = session.state.live(now) else {
            return Ok(None);
        };
        let operator = live.begun.operator_id.0;
        let operator = if live.level == Level::Full {
            self.resources.operators.get(tenant, operator).await?
        } else {
            self.resources.operators.fresh(tenant, operator).await?
        };
        let is_let_in =
            |operator: &KnownOperator| !operator.disabled && live.authenticated_at >= operator.sessions_valid_from;
        let let_in = operator.state.facts().is_some_and(is_let_in);
        Ok(let_in.then_some(SessionHolder { session, operator }))
    }

    async fn draw_token(&self, context: &Context, id: Uuid) -> Result<(String, Claim), CommandError> {
        let token = hex::encode(self.edge.bytes::<32>());
        let claim = self.claim(&context.tenant, CLAIM, &token, id).await?;
        Ok((token, claim))
    }
}
