//! Sessions of operators: found by their cookie, ended when nobody used them for too long.

use axum::{extract::FromRequestParts, http::request::Parts};
use licet_commands::{Context, operator::KnownBrowser, session::SessionHolder};
use licet_domain::{
    operator::KnownOperator,
    session::{BegunSession, EndReason, Level},
    values::Timestamp,
};
use licet_projections::nodes::session_use;
use uuid::Uuid;

use super::{
    RequestOrigin,
    caller::SignedInOperator,
    cookie::{Cookies, expect_own_site},
};
use crate::{
    App,
    problem::{Problem, Result, unavailable},
};

/// How often a session's use is told to the other nodes, in seconds.
const TOLD_EVERY: i64 = 60;

/// When this node saw a session used, and when it told the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionUse {
    seen: Timestamp,
    told: Timestamp,
}

/// A browser that may not be signed in.
pub(crate) struct Visitor {
    pub(crate) origin: RequestOrigin,
    pub(crate) cookies: Cookies,
    /// The operator that it knew before, where it proves that.
    pub(crate) browser: Option<KnownBrowser>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let origin = RequestOrigin::from_request_parts(parts, app).await?;
        let cookies = Cookies::of(parts, app);
        expect_own_site(parts, app, false)?;
        let browser = match &cookies.browser {
            Some(proof) => app.platform.read_browser_proof(&app.tenant, proof).await?,
            None => None,
        };
        Ok(Self {
            origin,
            cookies,
            browser,
        })
    }
}

/// A browser with a session, however far its log-in has come.
pub(crate) struct SessionUser {
    pub(crate) visitor: Visitor,
    pub(crate) holder: SessionHolder,
    pub(crate) token: String,
    /// When it ends unless it is used before.
    pub(crate) idle_expires_at: Timestamp,
}

impl FromRequestParts<App> for SessionUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let token = visitor.cookies.session.clone().ok_or_else(Problem::signed_out)?;
        expect_own_site(parts, app, true)?;
        let (holder, idle_expires_at) = find(app, &token).await?;
        Ok(Self {
            visitor,
            holder,
            token,
            idle_expires_at,
        })
    }
}

impl SessionUser {
    pub(crate) fn operator(&self) -> Result<&KnownOperator> {
        self.holder.operator.state.facts().ok_or_else(Problem::signed_out)
    }

    pub(crate) fn session(&self) -> Result<&BegunSession> {
        self.holder.session.state.facts().ok_or_else(Problem::signed_out)
    }

    /// The operator and its session, where both factors were right.
    pub(crate) fn full(&self) -> Result<(&KnownOperator, &BegunSession)> {
        let (operator, session) = (self.operator()?, self.session()?);
        if session.level != Level::Full {
            return Err(Problem::signed_out());
        }
        Ok((operator, session))
    }

    /// For commands that this operator orders.
    pub(crate) fn context(&self, app: &App) -> Result<Context> {
        let stranger = self.visitor.origin.stranger(app);
        Ok(stranger.by_operator(self.operator()?.id.0))
    }
}

/// The session of a token that lives and was used lately, and until when it lives without being used.
pub(super) async fn find(app: &App, token: &str) -> Result<(SessionHolder, Timestamp)> {
    let now = app.platform.edge.now();
    let holder = app.platform.session_of(&app.tenant, token, now).await?;
    let holder = holder.ok_or_else(Problem::signed_out)?;
    let facts = holder.session.state.facts().ok_or_else(Problem::signed_out)?;
    let (id, begun) = (facts.begun.session_id.0, facts.begun.at);
    let idle = app.settings.sign_in.idle_seconds;
    let here = app.sessions_seen.get(&id);
    let mut seen = here.map_or(begun, |here| here.seen.max(begun));
    if now >= seen.plus_seconds(idle) {
        // It may have come by another node all the time.
        let told = session_use::last_seen(app.platform.log.pool(), id).await;
        seen = told.map_err(unavailable)?.map_or(seen, |told| told.max(seen));
    }
    if now >= seen.plus_seconds(idle) {
        let context = Context::system("sessions", app.tenant.clone(), now, app.platform.edge.id());
        app.platform.end_session(&context, id, EndReason::Idle, None).await?;
        return Err(Problem::signed_out());
    }
    note(app, id, here, now).await?;
    Ok((holder, now.plus_seconds(idle)))
}

/// Whether an operator's session lives, was used lately, as far as this node knows, and still lets do the same.
pub(super) async fn is_in_use(app: &App, signed_in: &SignedInOperator, now: Timestamp) -> bool {
    let seen = app.sessions_seen.get(&signed_in.session).map(|here| here.seen);
    let idle = seen.is_some_and(|seen| now >= seen.plus_seconds(app.settings.sign_in.idle_seconds));
    let holder = app.platform.session_by_id(&app.tenant, signed_in.session, now).await;
    let role = holder
        .ok()
        .flatten()
        .and_then(|holder| Some(holder.operator.state.facts()?.role));
    !idle && role == Some(signed_in.role)
}

async fn note(app: &App, id: Uuid, here: Option<SessionUse>, now: Timestamp) -> Result<()> {
    let told = here.map(|here| here.told);
    let is_news = told.is_none_or(|told| now.seconds() - told.seconds() >= TOLD_EVERY);
    if is_news {
        let noted = session_use::note(app.platform.log.pool(), &app.tenant, id, now).await;
        noted.map_err(unavailable)?;
    }
    let told = told.filter(|_| !is_news).unwrap_or(now);
    app.sessions_seen.insert(id, SessionUse { seen: now, told });
    Ok(())
}
