//! The password, asked for again and changed.

use axum::{extract::State, response::Response};
use licet_contracts::{Problem as Body, auth};
use licet_domain::session::EndReason;

use super::nothing;
use crate::{App, auth::SessionUser, extract::Json, problem::Result, routes::admin::sessions};

/// Give the password again, before what cannot be taken back. It counts for 15 minutes.
#[utoipa::path(post, path = "/api/auth/reauthenticate", tag = "auth", request_body = auth::Reauthenticate,
    responses((status = 204, description = "The password was right."),
        (status = 401, description = "`LOGIN_FAILED`", body = Body)), security(("session" = [])))]
pub(crate) async fn reauthenticate(
    State(app): State<App>,
    user: SessionUser,
    Json { value, .. }: Json<auth::Reauthenticate>,
) -> Result<Response> {
    let (operator, _) = user.full()?;
    let visitor = &user.visitor;
    visitor.origin.limit_login(&app, &operator.id.to_string())?;
    let (context, rules) = (visitor.origin.stranger(&app), app.settings.sign_in.rules);
    let browser = visitor.browser.as_ref();
    let password = &value.password;
    app.platform
        .reauthenticate(&context, &app.hashing, rules, &user.holder, password, browser)
        .await?;
    Ok(nothing())
}

/// Change the password. All your other sessions end.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = auth::ChangePassword,
    responses((status = 204, description = "Changed."),
        (status = 401, description = "`LOGIN_FAILED`", body = Body)), security(("session" = [])))]
pub(crate) async fn change_password(
    State(app): State<App>,
    user: SessionUser,
    Json { value, .. }: Json<auth::ChangePassword>,
) -> Result<Response> {
    let (operator, session) = user.full()?;
    let (id, current) = (operator.id.0, session.begun.session_id.0);
    let visitor = &user.visitor;
    visitor.origin.limit_login(&app, &id.to_string())?;
    let (context, rules) = (visitor.origin.stranger(&app), app.settings.sign_in.rules);
    let (browser, passwords) = (visitor.browser.as_ref(), (&value.old[..], &value.new[..]));
    app.platform
        .change_password(&context, &app.hashing, rules, &user.holder, passwords, browser)
        .await?;
    let context = user.context(&app)?;
    sessions::end_all_of(&app, &context, id, Some(current), EndReason::PasswordChanged).await?;
    Ok(nothing())
}
