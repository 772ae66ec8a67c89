//! `/api/auth`: how operators get in and out.

mod account;
mod enter;
mod factor;
mod session;

use axum::{
    http::{HeaderValue, StatusCode},
    response::Response,
};
use licet_commands::{operator::NextStep, session::OpenedSession};
use licet_contracts::auth;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{App, auth::Visitor, problem::Result, render};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(enter::set_up))
        .routes(routes!(enter::log_in))
        .routes(routes!(factor::give_code))
        .routes(routes!(factor::enroll_factor))
        .routes(routes!(factor::confirm_factor))
        .routes(routes!(session::read_session))
        .routes(routes!(session::log_out))
        .routes(routes!(session::make_operator_token))
        .routes(routes!(session::list_own_sessions))
        .routes(routes!(session::end_own_session))
        .routes(routes!(account::reauthenticate))
        .routes(routes!(account::change_password))
}

/// The answer of a step on the way in, with the session's token in its cookie.
fn next(app: &App, visitor: &Visitor, status: StatusCode, session: &OpenedSession, step: NextStep) -> Response {
    let step = match step {
        NextStep::Totp => "totp",
        NextStep::Enroll => "enroll",
        NextStep::Done => "done",
    };
    let shown = auth::LoggedIn { next: step.to_owned() };
    let mut response = render::answer(status, render::json(&shown), &[]);
    keep_session(app, visitor, session, &mut response);
    response
}

fn keep_session(app: &App, visitor: &Visitor, session: &OpenedSession, response: &mut Response) {
    let lifetime = app.settings.sign_in.rules.lifetime_seconds;
    let headers = response.headers_mut();
    visitor.cookies.keep_session(headers, &session.token, lifetime);
}

/// Makes the browser known to its operator, so that strangers who guess keep it out no more.
async fn keep_known(app: &App, visitor: &Visitor, operator: Uuid, response: &mut Response) -> Result<()> {
    let is_known = visitor.browser.as_ref().is_some_and(|known| known.operator == operator);
    if !is_known {
        let proof = app.platform.browser_proof(&app.tenant, operator).await?;
        visitor.cookies.keep_browser(response.headers_mut(), &proof);
    }
    Ok(())
}

/// An answer without a body.
fn nothing() -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// After signing out the browser forgets what it was shown.
fn forget_everything(response: &mut Response) {
    let all = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", all);
}
