//! `POST /api/license/heartbeat`

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use licet_commands::{
    CommandError, Done,
    license::{BeatRequest, HeartbeatOutcome, nonce_digest},
};
use licet_contracts::license::{HeartbeatRequest, HeartbeatResponse, MeterUse};
use licet_domain::{
    heartbeat::Beat,
    permission::needed::UseLicenses,
    values::{ActivationId, Timestamp},
};
use licet_event_store::Tenant;
use licet_projections::heartbeats;

use crate::{
    App,
    auth::{Caller, Credential, token},
    extract::{Json, NonceSlot, invalid_field},
    problem::{Problem, Result, unavailable},
    render, signing, used_meters,
};

/// Report that a machine runs, and what it uses. Durable when answered.
#[utoipa::path(post, path = "/api/license/heartbeat", tag = "license", operation_id = "heartbeat",
    request_body = HeartbeatRequest,
    responses(
        (status = 200, description = "Recorded; `valid` and `code` as verify answers them.", body = HeartbeatResponse),
        (status = 401, description = "`TOKEN_REVOKED` for a deactivated activation, `TOKEN_EXPIRED`, `UNAUTHENTICATED`", body = licet_contracts::Problem),
        (status = 422, description = "`METER_UNKNOWN`, `VERSION_INVALID`, `VALIDATION_FAILED`", body = licet_contracts::Problem),
        (status = 429, description = "`RATE_LIMITED`", body = licet_contracts::Problem),
    ), security(("bearer" = [])))]
pub(crate) async fn heartbeat(
    State(app): State<App>,
    caller: Caller<UseLicenses>,
    nonce: NonceSlot,
    Json { value: mut request, .. }: Json<HeartbeatRequest>,
) -> Result<Response> {
    // An empty nonce is none: by it, every beat would be the same one.
    request.nonce = request.nonce.filter(|nonce| !nonce.is_empty());
    nonce.keep(request.nonce.as_ref())?;
    let claims = match &caller.credential {
        Credential::Token(claims) => claims,
        Credential::Expired(claims) => return Err(caller.expired(&app, claims).await),
        Credential::ApiKey | Credential::Operator(_) => {
            let detail = "A heartbeat carries the activation's token as Authorization: Bearer.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail));
        }
    };
    let (license, activation) = (claims.lic, claims.sub);
    caller.limit(&app, &activation.to_string())?;
    let context = caller.context(&app, None);
    let client_time = request.client_time.as_deref().filter(|text| !text.trim().is_empty());
    let client_time = client_time.map(Timestamp::parse).transpose().map_err(|_| {
        let detail = "This is no RFC 3339 time, such as 2027-01-31T12:00:00Z.";
        invalid_field("/client_time", detail)
    })?;
    let beat = Beat {
        active_users: request.active_users,
        features: request.features.unwrap_or_default(),
        usage: request.usage.unwrap_or_default(),
    };
    let has_limits = has_limits(&app, &caller.tenant, license).await?;
    let used = used_meters::of(&app, &caller.tenant, license, has_limits, context.now).await?;
    let counted = has_limits && was_counted(&app, &caller.tenant, activation, &beat, request.nonce.as_deref()).await?;
    let order = BeatRequest {
        license,
        activation,
        beat,
        app_version: request.app_version,
        client_time,
        nonce: request.nonce.clone(),
        used,
        counted,
    };
    let done = app.platform.heartbeat(&context, &order).await.map_err(token::refused)?;
    if done.changed && !order.counted {
        app.used_meters.add(license, &order.beat, done.position, context.now);
    }
    app.metrics.beat(done.value.verdict.code());
    let answer = shape(&app, &caller.tenant, &done, claims, request.nonce, context.now).await?;
    let headers = [render::position(done.position)];
    Ok(render::answer(StatusCode::OK, render::json(&answer), &headers))
}

async fn has_limits(app: &App, tenant: &Tenant, license: licet_domain::values::LicenseId) -> Result<bool> {
    let known = app.platform.licenses.get(tenant, license.0).await;
    let known = known.map_err(CommandError::from)?;
    if known.state.facts().is_none() {
        return Ok(false);
    }
    let effective = app.platform.effective(tenant, &known).await?;
    Ok(!effective.limits().is_empty())
}

/// Whether what a beat reports was counted already: it reached some node before, and the answer was lost.
async fn was_counted(
    app: &App,
    tenant: &Tenant,
    activation: ActivationId,
    beat: &Beat,
    nonce: Option<&str>,
) -> Result<bool> {
    let Some(nonce) = nonce.filter(|_| !beat.usage.is_empty()) else {
        return Ok(false);
    };
    heartbeats::has_counted(&app.reader, tenant, activation.0, &nonce_digest(nonce))
        .await
        .map_err(unavailable)
}

async fn shape(
    app: &App,
    tenant: &Tenant,
    done: &Done<HeartbeatOutcome>,
    claims: &token::Claims,
    nonce: Option<String>,
    now: Timestamp,
) -> Result<HeartbeatResponse> {
    let HeartbeatOutcome {
        verdict,
        effective,
        activation,
        totals,
        holds,
    } = &done.value;
    let interval = effective.terms().heartbeat_interval_seconds;
    let fresh = claims
        .is_due(now)
        .then(|| token::issue(&app.settings.jwt_secret, claims.lic, claims.sub, interval, now));
    let is_due = verdict.is_valid() && signing::known(app, effective, activation, now).is_none();
    let lease = if is_due {
        let key = app.platform.fingerprint_key(tenant, effective.id()).await?;
        let hold = if *holds {
            Some(signing::Hold::Moved)
        } else {
            signing::hold(app, effective, activation).await?
        };
        hold.map(|hold| signing::issue(app, effective, activation, &key, hold, now))
    } else {
        None
    };
    let limits = effective.limits();
    let usage: BTreeMap<String, MeterUse> = totals
        .iter()
        .filter_map(|(meter, used)| {
            let limit = limits.get(meter)?.amount;
            let (used, over) = (*used, *used > limit);
            Some((meter.clone(), MeterUse { used, limit, over }))
        })
        .collect();
    Ok(HeartbeatResponse {
        valid: verdict.is_valid(),
        code: verdict.code().to_owned(),
        detail: verdict.detail().to_owned(),
        token_expires_at: fresh.as_ref().map(|(_, end)| end.to_string()),
        token: fresh.map(|(token, _)| token),
        lease_expires_at: lease.as_ref().map(|lease| lease.expires_at.to_string()),
        lease: lease.map(|lease| lease.token.to_string()),
        next_heartbeat_seconds: interval,
        usage,
        position: done.position,
        ts: now.to_string(),
        nonce,
    })
}
