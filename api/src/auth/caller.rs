//! Reads the credential, once, into an extractor that says what it may do: a handler that takes it cannot forget to check.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, Uri, request::Parts},
};
use licet_commands::{Context, session::SessionHolder};
use licet_domain::{
    api_key::{ApiKey, Scope},
    license::Activation,
    permission::{Needed, Permission, Role},
    session::Level,
    values::{LicenseKey, Timestamp},
};
use licet_event_store::{Actor, ActorKind, Tenant};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    RequestOrigin,
    cookie::{Cookies, expect_own_site},
    operator_token, session,
    token::{self, TokenError},
};
use crate::{
    App,
    extract::{RefusedQuery, header},
    freshness,
    idempotency::IdempotencyKey,
    problem::{Problem, Result},
};

/// What kind of credential was sent.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// An API key.
    ApiKey,
    /// An operator's session, or a token that was made in it.
    Operator(SignedInOperator),
    /// An activation token.
    Token(token::Claims),
    /// One whose time is over. It opens nothing; what it is told is signed for the nonce that came with it.
    Expired(token::Claims),
}

/// An operator who is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedInOperator {
    pub(super) role: Role,
    pub(super) session: Uuid,
    /// When the password was last given.
    authenticated_at: Timestamp,
}

/// Who asks and has the permission `P`, which is part of the handler's type: without it the handler is not reached.
#[derive(Debug, Clone)]
pub(crate) struct Caller<P> {
    principal: Principal,
    permission: PhantomData<fn() -> P>,
}

impl<P> std::ops::Deref for Caller<P> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<P: Needed> FromRequestParts<App> for Caller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let principal = Principal::authenticate(parts, app).await?;
        principal.expect(P::PERMISSION, app)?;
        if let Some(RefusedQuery(problem)) = parts.extensions.get::<RefusedQuery>() {
            return Err(problem.clone());
        }
        if matches!(parts.method, Method::GET | Method::HEAD) {
            freshness::of_log(app, &parts.headers).await?;
        }
        Ok(Self {
            principal,
            permission: PhantomData,
        })
    }
}

/// Who asks, for which tenant, and under which request.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) tenant: Tenant,
    pub(crate) credential: Credential,
    actor: Actor,
    scopes: Vec<Scope>,
    pub(crate) origin: RequestOrigin,
    /// What is asked for.
    uri: Uri,
}

impl Principal {
    async fn authenticate(parts: &Parts, app: &App) -> Result<Self> {
        let origin = RequestOrigin::of(parts, app);
        let now = app.platform.edge.now();
        app.limits.by_address(origin.address, &origin.rate_limit, now)?;
        let times = |name: &str| parts.headers.get_all(name).iter().count();
        if times("x-api-key") > 1 || times("authorization") > 1 {
            let detail = "Send one API key or one token, once.";
            return Err(Problem::bad_request("CREDENTIALS_AMBIGUOUS", detail));
        }
        let key = header(&parts.headers, "x-api-key");
        let bearer = header(&parts.headers, "authorization").map(|value| {
            value
                .split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, token)| token.trim())
        });
        let (credential, actor, scopes) = match (key, bearer) {
            (Some(_), Some(_)) => {
                let detail = "Send either an API key or a token, not both.";
                return Err(Problem::bad_request("CREDENTIALS_AMBIGUOUS", detail));
            }
            (Some(key), None) => by_key(app, key).await?,
            (None, Some(Some(bearer))) => by_token(app, bearer).await?,
            (None, Some(None)) => return Err(Problem::unauthenticated()),
            (None, None) => by_session(parts, app).await?,
        };
        let name = format!("{}/{}", actor.kind.as_str(), actor.id);
        app.limits.by_credential(&name, &origin.rate_limit, now)?;
        Ok(Self {
            tenant: app.tenant.clone(),
            credential,
            actor,
            scopes,
            origin,
            uri: parts.uri.clone(),
        })
    }
}

async fn by_key(app: &App, key: &str) -> Result<(Credential, Actor, Vec<Scope>)> {
    if bool::from(key.as_bytes().ct_eq(app.settings.api_key.as_bytes())) {
        let (actor, scopes) = App::bootstrap();
        return Ok((Credential::ApiKey, actor, scopes));
    }
    let now = app.platform.edge.now();
    let found = app.platform.authenticate_api_key(&app.tenant, key, now).await?;
    let found = found
        .as_ref()
        .and_then(|key| key.state.facts())
        .ok_or_else(Problem::unauthenticated)?;
    let id = found.created.api_key_id;
    app.last_used.insert(id.0, now);
    let actor = Actor {
        kind: ActorKind::ApiKey,
        id: id.to_string(),
    };
    Ok((Credential::ApiKey, actor, found.created.scopes.clone()))
}

async fn by_token(app: &App, bearer: &str) -> Result<(Credential, Actor, Vec<Scope>)> {
    let now = app.platform.edge.now();
    if let Some(claims) = operator_token::read(&app.settings.jwt_secret, bearer) {
        if now.seconds() >= claims.exp {
            return Err(Problem::operator_token_expired());
        }
        let holder = app.platform.session_by_id(&app.tenant, claims.sid.0, now).await?;
        return by_holder(&holder.ok_or_else(Problem::operator_token_expired)?);
    }
    let (whose, credential) = match token::read(&app.settings.jwt_secret, bearer, now) {
        Ok(claims) => (claims.sub, Credential::Token(claims)),
        Err(TokenError::Expired(claims)) => (claims.sub, Credential::Expired(claims)),
        Err(TokenError::Invalid) => return Err(Problem::unauthenticated()),
    };
    let actor = Actor {
        kind: ActorKind::Activation,
        id: whose.to_string(),
    };
    Ok((credential, actor, Vec::new()))
}

/// Whoever has a session's cookie, and comes from this site's own pages.
async fn by_session(parts: &Parts, app: &App) -> Result<(Credential, Actor, Vec<Scope>)> {
    let Some(token) = Cookies::of(parts, app).session else {
        return Err(Problem::unauthenticated());
    };
    expect_own_site(parts, app, true)?;
    let (holder, _) = session::find(app, &token).await?;
    by_holder(&holder)
}

fn by_holder(holder: &SessionHolder) -> Result<(Credential, Actor, Vec<Scope>)> {
    let facts = holder.session.state.facts().zip(holder.operator.state.facts());
    let (session, operator) = facts
        .filter(|(session, _)| session.level == Level::Full)
        .ok_or_else(Problem::signed_out)?;
    let operator_in = SignedInOperator {
        role: operator.role,
        session: session.begun.session_id.0,
        authenticated_at: session.authenticated_at,
    };
    let actor = Actor {
        kind: ActorKind::Operator,
        id: operator.id.to_string(),
    };
    Ok((Credential::Operator(operator_in), actor, Vec::new()))
}

impl Principal {
    /// Refuses who does not have a permission. An activation's token is good for what machines ask; the handler looks
    /// whether its seat has ended. An operator gives the password again before what cannot be taken back.
    fn expect(&self, permission: Permission, app: &App) -> Result<()> {
        let allowed = match &self.credential {
            Credential::ApiKey => permission.is_in(&self.scopes),
            Credential::Operator(operator) => return operator.expect(permission, app),
            Credential::Token(_) | Credential::Expired(_) if permission == Permission::UseLicenses => true,
            Credential::Token(_) => false,
            Credential::Expired(_) => return Err(Problem::token_expired()),
        };
        allowed.then_some(()).ok_or_else(|| Problem::forbidden(permission))
    }

    /// Whether it has a further permission besides the one that its route asks for.
    pub(crate) fn may(&self, permission: Permission, app: &App) -> bool {
        self.expect(permission, app).is_ok()
    }

    /// Whether what let it in still would: for answers that take long. Looking on is no use of a session.
    pub(crate) async fn is_still_in(&self, app: &App) -> bool {
        let now = app.platform.edge.now();
        match &self.credential {
            Credential::Operator(operator) => session::is_in_use(app, operator, now).await,
            Credential::ApiKey => {
                let Ok(id) = self.actor.id.parse() else {
                    return true;
                };
                let key = app.platform.of::<ApiKey>().get(&self.tenant, id).await;
                key.is_ok_and(|key| key.state.facts().is_some_and(|key| key.is_live(now)))
            }
            Credential::Token(_) | Credential::Expired(_) => false,
        }
    }

    /// For commands: with the client's address sealed, and the idempotency key if one was sent.
    pub(crate) fn context(&self, app: &App, idempotency: Option<&IdempotencyKey>) -> Context {
        let mut context = self.origin.context(app, &self.tenant, self.actor.clone());
        context.idempotency = idempotency.map(|key| key.idempotency(app));
        context
    }

    /// For what records nothing.
    pub(crate) fn reading(&self, app: &App) -> Context {
        self.origin.reading(app, &self.tenant, self.actor.clone())
    }

    /// The operator who asks; none for programs.
    pub(crate) fn operator(&self) -> Option<Uuid> {
        let is_operator = self.actor.kind == ActorKind::Operator;
        self.actor.id.parse().ok().filter(|_| is_operator)
    }

    /// The session that it asks in; none for programs.
    pub(crate) fn session(&self) -> Option<Uuid> {
        match &self.credential {
            Credential::Operator(operator) => Some(operator.session),
            _ => None,
        }
    }

    /// Counts a request for one license or activation from this address; refuses it beyond the limit.
    pub(crate) fn limit(&self, app: &App, client: &str) -> Result<()> {
        let now = app.platform.edge.now();
        let origin = &self.origin;
        app.limits.by_client(client, origin.address, &origin.rate_limit, now)
    }

    /// The same for a license key; whatever is no key counts as one and the same.
    pub(crate) fn limit_key(&self, app: &App, typed: &str) -> Result<()> {
        let key = LicenseKey::parse(typed).map_or_else(String::new, |key| key.to_string());
        self.limit(app, &key)
    }

    /// The seat of who asks as a machine, with a token of an activation that has not ended; none for who asks by key.
    pub(crate) async fn seat(&self, app: &App) -> Result<Option<Arc<Activation>>> {
        match &self.credential {
            Credential::ApiKey | Credential::Operator(_) => Ok(None),
            Credential::Token(claims) => {
                self.limit(app, &claims.sub.to_string())?;
                self.seat_of(app, claims).await.map(Some)
            }
            Credential::Expired(claims) => Err(self.expired(app, claims).await),
        }
    }

    /// The activation of a token; refused once it has ended.
    async fn seat_of(&self, app: &App, claims: &token::Claims) -> Result<Arc<Activation>> {
        let holder = app.platform.token_holder(&self.tenant, claims.lic, claims.sub).await;
        holder.map(|(_, activation)| activation).map_err(token::refused)
    }

    /// What the holder of a token hears whose time is over: to get another one, unless its seat was ended, lest its program
    /// takes another seat.
    pub(crate) async fn expired(&self, app: &App, claims: &token::Claims) -> Problem {
        let known = async {
            self.limit(app, &claims.sub.to_string())?;
            self.seat_of(app, claims).await
        };
        known.await.err().unwrap_or_else(Problem::token_expired)
    }

    /// The collection of the admin API that is asked, such as `products`; none for routes of single things.
    pub(crate) fn collection(&self) -> Option<&str> {
        let name = self.uri.path().strip_prefix("/api/admin/")?;
        (!name.contains('/')).then_some(name)
    }

    /// Names the credential, for what is kept per credential.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.actor.kind.as_str(), self.actor.id)
    }
}

impl SignedInOperator {
    fn expect(self, permission: Permission, app: &App) -> Result<()> {
        if !permission.roles().contains(&self.role) {
            return Err(Problem::role_forbidden(permission, self.role));
        }
        let counts_until = self
            .authenticated_at
            .plus_seconds(app.settings.sign_in.reauthentication_seconds);
        if permission.asks_for_password() && app.platform.edge.now() >= counts_until {
            return Err(Problem::reauthentication_required());
        }
        Ok(())
    }
}

/// The tags of `If-Match`, of all its lines; changing a resource without saying which version is refused.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<String> {
    let lines = headers.get_all("if-match").iter().filter_map(|line| line.to_str().ok());
    let tags = lines.collect::<Vec<_>>().join(",");
    if tags.trim().is_empty() {
        let detail = "Send If-Match with the ETag that reading the resource answered.";
        let status = StatusCode::PRECONDITION_REQUIRED;
        return Err(Problem::new(status, "PRECONDITION_REQUIRED", detail));
    }
    Ok(tags)
}
