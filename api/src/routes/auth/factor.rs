//! By the second factor, and how one is enrolled.

use axum::{extract::State, http::StatusCode, response::Response};
use licet_commands::operator::GivenCode;
use licet_contracts::{Problem as Body, auth};

use super::{keep_known, keep_session, next};
use crate::{
    App,
    auth::{SessionUser, blocking},
    extract::Json,
    problem::{Problem, Result},
    render,
};

/// Give the second factor: a code of the app, or a recovery code.
#[utoipa::path(post, path = "/api/auth/totp", tag = "auth", request_body = auth::GiveCode,
    responses((status = 200, description = "In.", body = auth::LoggedIn),
        (status = 401, description = "`CODE_INVALID`", body = Body),
        (status = 403, description = "`ADDRESS_BLOCKED`", body = Body)), security(("session" = [])))]
pub(crate) async fn give_code(
    State(app): State<App>,
    user: SessionUser,
    Json { value, .. }: Json<auth::GiveCode>,
) -> Result<Response> {
    let (visitor, id) = (&user.visitor, user.operator()?.id.0);
    blocking::expect_let_in(&app, visitor).await?;
    visitor.origin.limit_login(&app, &id.to_string())?;
    let given = match (value.code, value.recovery_code) {
        (Some(code), None) => GivenCode::Code(code),
        (None, Some(code)) => GivenCode::Recovery(code),
        _ => {
            let detail = "Give a code or a recovery code, one of the two.";
            return Err(Problem::unprocessable("VALIDATION_FAILED", detail));
        }
    };
    let (context, rules) = (visitor.origin.stranger(&app), app.settings.sign_in.rules);
    let browser = visitor.browser.as_ref();
    let signed_in = app
        .platform
        .give_code(&context, rules, &user.holder, &user.token, given, browser)
        .await;
    app.metrics.login(if signed_in.is_ok() { "full" } else { "failed" });
    let signed_in = signed_in?;
    let mut response = next(&app, visitor, StatusCode::OK, &signed_in.session, signed_in.next);
    keep_known(&app, visitor, id, &mut response).await?;
    Ok(response)
}

/// Propose a second factor. It counts once a code of it was right.
#[utoipa::path(post, path = "/api/auth/totp/enroll", tag = "auth",
    responses((status = 200, description = "What the app needs to know.", body = auth::Enrollment),
        (status = 401, description = "`CODE_INVALID`, `LOGIN_FAILED`", body = Body),
        (status = 409, description = "`FACTOR_ENROLLED`", body = Body)), security(("session" = [])))]
pub(crate) async fn enroll_factor(State(app): State<App>, user: SessionUser) -> Result<Response> {
    let context = user.visitor.origin.stranger(&app);
    let shown = app.platform.enroll(&context, &user.holder).await?;
    let shown = auth::Enrollment {
        secret: shown.secret,
        otpauth_url: shown.otpauth_url,
        qr_svg: shown.qr_svg,
    };
    Ok(render::answer(StatusCode::OK, render::json(&shown), &[]))
}

/// Make the proposed factor count by a code of it. The recovery codes are shown here and nowhere else.
#[utoipa::path(post, path = "/api/auth/totp/confirm", tag = "auth", request_body = auth::ConfirmFactor,
    responses((status = 200, description = "In, and the recovery codes.", body = auth::RecoveryCodes),
        (status = 401, description = "`CODE_INVALID`, `LOGIN_FAILED`", body = Body),
        (status = 409, description = "`FACTOR_NOT_PROPOSED`, `FACTOR_ENROLLED`", body = Body)), security(("session" = [])))]
pub(crate) async fn confirm_factor(
    State(app): State<App>,
    user: SessionUser,
    Json { value, .. }: Json<auth::ConfirmFactor>,
) -> Result<Response> {
    let (visitor, id) = (&user.visitor, user.operator()?.id.0);
    visitor.origin.limit_login(&app, &id.to_string())?;
    let context = visitor.origin.stranger(&app);
    let browser = visitor.browser.as_ref();
    let confirmed = app
        .platform
        .confirm_factor(&context, &user.holder, &user.token, &value.code, browser)
        .await;
    let (recovery_codes, session) = confirmed?;
    app.metrics.login("full");
    let mut response = render::answer(
        StatusCode::OK,
        render::json(&auth::RecoveryCodes { recovery_codes }),
        &[],
    );
    keep_session(&app, visitor, &session, &mut response);
    keep_known(&app, visitor, id, &mut response).await?;
    Ok(response)
}
