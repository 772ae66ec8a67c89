//! Who is signed in, with which browsers, and out again.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Page, admin, auth};
use licet_domain::{
    permission::Permission,
    session::{EndReason, Session},
};
use licet_projections::{PageRequest, resources};

use super::{forget_everything, nothing};
use crate::{
    App,
    auth::{SessionUser, operator_token},
    extract::{Path, Query},
    freshness,
    problem::{Problem, Result, unavailable},
    render,
    routes::admin::{ListQuery, sessions},
};

/// Say who is signed in, and what that one may do.
#[utoipa::path(get, path = "/api/auth/session", tag = "auth",
    responses((status = 200, description = "The session.", body = auth::Session)), security(("session" = [])))]
pub(crate) async fn read_session(State(app): State<App>, user: SessionUser) -> Result<Response> {
    let (operator, session) = user.full()?;
    let person = app.platform.operator_person(&app.tenant, operator).await?;
    let allowed = Permission::ALL
        .iter()
        .filter(|one| one.roles().contains(&operator.role));
    let shown = auth::Session {
        id: session.begun.session_id.to_string(),
        operator: auth::SignedInOperator {
            id: operator.id.to_string(),
            name: person.name,
            email: person.email,
            role: operator.role.as_str().to_owned(),
            recovery_codes_left: operator.recovery_codes.len(),
        },
        tenant: app.tenant.as_str().to_owned(),
        permissions: allowed.map(|one| one.name().to_owned()).collect(),
        address: user.visitor.origin.address.map(|address| address.to_string()),
        idle_expires_at: user.idle_expires_at.min(session.begun.ends_at).to_string(),
        expires_at: session.begun.ends_at.to_string(),
    };
    Ok(render::answer(StatusCode::OK, render::json(&shown), &[]))
}

/// Sign out.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth",
    responses((status = 204, description = "Out.")), security(("session" = [])))]
pub(crate) async fn log_out(State(app): State<App>, user: SessionUser) -> Result<Response> {
    let (session, operator) = (user.session()?.begun.session_id.0, user.operator()?.id.0);
    let context = user.context(&app)?;
    app.platform
        .end_session(&context, session, EndReason::SignedOut, Some(operator))
        .await?;
    let mut response = nothing();
    user.visitor.cookies.forget_session(response.headers_mut());
    forget_everything(&mut response);
    Ok(response)
}

/// Make a token for your scripts. It lives for 15 minutes, and no longer than the session.
#[utoipa::path(post, path = "/api/auth/token", tag = "auth",
    responses((status = 200, description = "The token.", body = auth::OperatorToken)), security(("session" = [])))]
pub(crate) async fn make_operator_token(State(app): State<App>, user: SessionUser) -> Result<Response> {
    let (operator, session) = user.full()?;
    let (now, secret) = (app.platform.edge.now(), &app.settings.jwt_secret);
    let (id, ends_at) = (session.begun.session_id, session.begun.ends_at);
    let (token, end) = operator_token::issue(secret, operator.id, id, ends_at, now);
    let expires_at = end.to_string();
    let shown = auth::OperatorToken { token, expires_at };
    Ok(render::answer(StatusCode::OK, render::json(&shown), &[]))
}

/// List your own sessions, live and ended.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth", params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Session>)), security(("session" = [])))]
pub(crate) async fn list_own_sessions(
    State(app): State<App>,
    user: SessionUser,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    let (operator, session) = user.full()?;
    let request = PageRequest {
        retired: None,
        min_position: freshness::of_read_model(&app, &headers, "resources").await?,
        ..query.request()?
    };
    let of = Some(operator.id.0);
    let page = resources::list::<Session>(&app.reader, &app.tenant, of, &request).await;
    sessions::page(&app, page.map_err(unavailable)?, Some(session.begun.session_id.0)).await
}

/// End one of your own sessions.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "auth", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Ended, here at once and on other nodes within a second.")),
    security(("session" = [])))]
pub(crate) async fn end_own_session(State(app): State<App>, user: SessionUser, Path(id): Path) -> Result<Response> {
    let (operator, _) = user.full()?;
    let (id, found) = sessions::find(&app, &id).await?;
    let theirs = found.state.facts().map(|session| session.begun.operator_id);
    if theirs != Some(operator.id) {
        return Err(Problem::not_found(<Session as licet_domain::Resource>::KIND));
    }
    let (context, by) = (user.context(&app)?, Some(operator.id.0));
    app.platform.end_session(&context, id, EndReason::Revoked, by).await?;
    Ok(nothing())
}
