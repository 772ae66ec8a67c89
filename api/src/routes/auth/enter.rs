//! By link, and by password.

use axum::{extract::State, http::StatusCode, response::Response};
use licet_commands::{
    CommandError,
    operator::{LogIn, NewOwner, NextStep},
};
use licet_contracts::{Problem as Body, auth};
use licet_domain::{ResourceRejection, session::Level};
use uuid::Uuid;

use super::next;
use crate::{
    App,
    auth::{Visitor, blocking},
    extract::Json,
    problem::Result,
};

/// Set up an operator by a link: the first owner, another one, or whoever was invited. What is answered is a session that
/// may enroll a second factor, and nothing else.
#[utoipa::path(post, path = "/api/auth/setup", tag = "auth", request_body = auth::SetUp,
    responses((status = 201, description = "Set up.", body = auth::LoggedIn),
        (status = 403, description = "`ADDRESS_BLOCKED`", body = Body),
        (status = 409, description = "`SETUP_LINK_INVALID`, `INVITATION_INVALID`, `OPERATOR_EMAIL_TAKEN`", body = Body)))]
pub(crate) async fn set_up(
    State(app): State<App>,
    visitor: Visitor,
    Json { value, .. }: Json<auth::SetUp>,
) -> Result<Response> {
    blocking::expect_let_in(&app, &visitor).await?;
    visitor.origin.limit_login(&app, "setup")?;
    let id = accept(&app, &visitor, value).await?;
    let context = visitor.origin.stranger(&app).by_operator(id);
    let lifetime = app.settings.sign_in.rules.lifetime_seconds;
    let session = app
        .platform
        .begin_session(&context, id, Level::Enroll, lifetime)
        .await?;
    Ok(next(&app, &visitor, StatusCode::CREATED, &session, NextStep::Enroll))
}

/// A setup link names how it was made; an invitation's begins with the id of who was invited.
async fn accept(app: &App, visitor: &Visitor, value: auth::SetUp) -> std::result::Result<Uuid, CommandError> {
    let context = visitor.origin.stranger(app);
    let invited = value
        .token
        .split('.')
        .next()
        .is_some_and(|id| id.parse::<Uuid>().is_ok());
    if invited {
        let invitation = app
            .platform
            .accept_invitation(&context, &app.hashing, &value.token, &value.password);
        return invitation.await;
    }
    let new = NewOwner {
        token: value.token,
        name: value.name.unwrap_or_default(),
        email: value.email.unwrap_or_default(),
        password: value.password,
    };
    app.platform.set_up(&context, &app.hashing, new).await
}

/// Sign in by mail address and password. An unknown address, a wrong password and a shut door are answered alike.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = auth::LogIn,
    responses((status = 200, description = "The password was right.", body = auth::LoggedIn),
        (status = 401, description = "`LOGIN_FAILED`", body = Body),
        (status = 403, description = "`ADDRESS_BLOCKED`", body = Body)))]
pub(crate) async fn log_in(
    State(app): State<App>,
    visitor: Visitor,
    Json { value, .. }: Json<auth::LogIn>,
) -> Result<Response> {
    blocking::expect_let_in(&app, &visitor).await?;
    let context = visitor.origin.stranger(&app);
    let operator = app.platform.operator_by_email(&context, &value.email).await?;
    let account = account(&value.email, operator, &visitor);
    visitor.origin.limit_login(&app, &account)?;
    let named = value.email.trim().to_lowercase();
    let asked = LogIn {
        email: value.email,
        password: value.password,
        browser: visitor.browser.clone(),
    };
    let rules = app.settings.sign_in.rules;
    let signed_in = app.platform.sign_in(&context, &app.hashing, rules, asked).await;
    if matches!(
        &signed_in,
        Err(CommandError::Resource(ResourceRejection::NotAuthenticated { .. }))
    ) {
        app.metrics.login("failed");
        blocking::note_failure(&app, &visitor, &named).await?;
    }
    let signed_in = signed_in?;
    app.metrics.login("password");
    Ok(next(&app, &visitor, StatusCode::OK, &signed_in.session, signed_in.next))
}

/// What tries are counted under: a browser that knew an operator before has a count of its own, so that nobody who guesses
/// keeps it out.
fn account(email: &str, operator: Option<Uuid>, visitor: &Visitor) -> String {
    let knows = visitor
        .browser
        .as_ref()
        .filter(|known| operator == Some(known.operator));
    match (knows, operator) {
        (Some(browser), _) => format!("browser {}", browser.name),
        (None, Some(operator)) => operator.to_string(),
        (None, None) => email.trim().to_lowercase(),
    }
}
