//! `POST /api/license/verify`

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use licet_commands::license::{Verification, Verified, VerifyOptions};
use licet_contracts::license::{UpdateInfo, VerifyRequest, VerifyResponse};

use licet_event_store::Tenant;

use super::raw;
use crate::{
    App,
    auth::{Caller, Credential, Principal},
    catalog,
    extract::{Json, NonceSlot, invalid_field},
    problem::{Problem, Result},
    render, signing, used_meters,
};
use licet_domain::{permission::needed::UseLicenses, values::LicenseId};

/// Ask whether a machine may run. Only refusals are recorded.
#[utoipa::path(post, path = "/api/license/verify", tag = "license", operation_id = "verify_license",
    request_body = VerifyRequest,
    responses(
        (status = 200, description = "The verdict. `code` is the first that holds of `NOT_FOUND`, `REVOKED`, `SUSPENDED`, \
            `NOT_YET_VALID`, `EXPIRED`, `FINGERPRINT_REQUIRED`, `FINGERPRINT_INSUFFICIENT`, `NOT_ACTIVATED`, \
            `HEARTBEAT_DEAD`, `VERSION_UNSUPPORTED`, `FEATURE_MISSING`, `USAGE_LIMIT_EXCEEDED`, `EXPIRED_IN_GRACE`, `VALID`.",
            body = VerifyResponse),
        (status = 422, description = "`LICENSE_KEY_REQUIRED`, `VERSION_INVALID`", body = licet_contracts::Problem),
    ), security(("api_key" = []), ("bearer" = [])))]
pub(crate) async fn verify_license(
    State(app): State<App>,
    caller: Caller<UseLicenses>,
    nonce: NonceSlot,
    Json { value: mut request, .. }: Json<VerifyRequest>,
) -> Result<Response> {
    request.nonce = request.nonce.filter(|nonce| !nonce.is_empty());
    nonce.keep(request.nonce.as_ref())?;
    let asked = match &caller.credential {
        Credential::Token(claims) => {
            caller.limit(&app, &claims.sub.to_string())?;
            expect_same_license(&app, &caller, claims.lic, request.license_key.as_deref()).await?;
            Verification::Activation(claims.lic, claims.sub)
        }
        Credential::Expired(claims) => return Err(caller.expired(&app, claims).await),
        Credential::ApiKey | Credential::Operator(_) => {
            let detail = "license_key is required unless the request carries an activation token.";
            let license_key = request
                .license_key
                .ok_or_else(|| Problem::unprocessable("LICENSE_KEY_REQUIRED", detail))?;
            caller.limit_key(&app, &license_key)?;
            Verification::Key {
                license_key,
                fingerprint: raw(request.fingerprint),
            }
        }
    };
    let context = caller.reading(&app);
    let wanted = VerifyOptions {
        app_version: request.app_version,
        features: request.features.unwrap_or_default(),
    };
    let found = app.platform.find_asked(&context, &asked).await?;
    let used = match &found {
        Some((effective, _)) => {
            let has_limits = !effective.limits().is_empty();
            used_meters::of(&app, &caller.tenant, effective.id(), has_limits, context.now).await?
        }
        None => {
            super::slow_down(&app, &context).await;
            BTreeMap::new()
        }
    };
    let verified = app.platform.verify(&context, found, &wanted, &used).await?;
    app.metrics.verdict(verified.verdict.code());
    let mut answer = shape(&app, &caller.tenant, &verified, request.nonce, context.now).await?;
    answer.update = update(&app, &caller.tenant, &verified, wanted.app_version.as_deref()).await;
    Ok(render::answer(StatusCode::OK, render::json(&answer), &[]))
}

/// A key beside a token is of the token's license, or the program asks about another one than it is answered for.
async fn expect_same_license(app: &App, caller: &Principal, license: LicenseId, key: Option<&str>) -> Result<()> {
    let Some(key) = key.filter(|key| !key.trim().is_empty()) else {
        return Ok(());
    };
    let named = app.platform.license_by_key(&caller.tenant, key).await?;
    if named.is_some_and(|(named, _)| named == license) {
        return Ok(());
    }
    let detail = "This is not the key of the token's license: leave it out, or ask without the token.";
    Err(invalid_field("/license_key", detail))
}

/// For a program that said its version.
async fn update(app: &App, tenant: &Tenant, verified: &Verified, version: Option<&str>) -> Option<UpdateInfo> {
    let effective = verified.effective.as_ref()?;
    let version = effective.read_version(version).ok()??;
    // What is new can wait; whether the program may run cannot.
    let releases = catalog::at_hand(app, tenant, effective.product.id).await?;
    let machine = verified.activation.as_ref().map(|activation| activation.machine());
    let minimum = effective.product.min_version.as_ref();
    Some(catalog::update(&releases, machine.as_deref(), &version, minimum))
}

async fn shape(
    app: &App,
    tenant: &Tenant,
    verified: &Verified,
    nonce: Option<String>,
    now: licet_domain::values::Timestamp,
) -> Result<VerifyResponse> {
    let mut answer = VerifyResponse {
        valid: verified.verdict.is_valid(),
        code: verified.verdict.code().to_owned(),
        detail: verified.detail.clone(),
        license: None,
        activation_id: None,
        features: BTreeMap::new(),
        limits: BTreeMap::new(),
        lease: None,
        lease_expires_at: None,
        update: None,
        ts: now.to_string(),
        nonce,
    };
    let Some(effective) = &verified.effective else {
        return Ok(answer);
    };
    answer.features = effective
        .features()
        .iter()
        .map(|(name, feature)| (name.clone(), feature.is_on(now)))
        .collect();
    answer.limits = render::amounts(&effective.limits());
    answer.license = Some(render::summary(effective, now));
    let Some(activation) = &verified.activation else {
        return Ok(answer);
    };
    answer.activation_id = Some(activation.activated.activation_id.to_string());
    if verified.verdict.is_valid() {
        let lease = match signing::known(app, effective, activation, now) {
            Some((_, lease)) => Some(lease),
            // Asking holds no seat: the lease of a floating one ends with its hold.
            None => {
                let key = app.platform.fingerprint_key(tenant, effective.id()).await?;
                let hold = signing::hold(app, effective, activation).await?;
                hold.map(|hold| signing::issue(app, effective, activation, &key, hold, now))
            }
        };
        answer.lease_expires_at = lease.as_ref().map(|lease| lease.expires_at.to_string());
        answer.lease = lease.map(|lease| lease.token.to_string());
    }
    Ok(answer)
}
