//! `POST /api/admin/policies/{id}/simulate`

use std::collections::HashSet;

use axum::{extract::State, http::StatusCode, response::Response};
use licet_contracts::{
    Problem,
    simulation::{
        SimulatePolicy, SimulatedOverLimit, SimulatedOverSeats, SimulatedRefusal, SimulatedSilence, SimulationResult,
    },
};
use licet_domain::{
    Resource as _,
    heartbeat::billing_period,
    permission::needed::ReadPolicies,
    policy::Policy,
    validate::Verdict,
    values::{LicenseId, Limits, Timestamp},
};
use licet_event_store::AsOf;
use licet_projections::{
    PageRequest, heartbeats,
    license_state::{self, LicenseFilter},
};
use utoipa_axum::router::OpenApiRouter;

use super::{policies::terms, reading};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, Path, invalid_field},
    freshness,
    problem::{Result, unavailable},
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(simulate_policy))
}

/// Entries of each list.
const MAX_ENTRIES: usize = 1_000;
/// Licenses in one answer.
const MAX_LICENSES: u64 = 1_000;

/// Live the last days again under proposed terms: who would have been refused, and who would have lost a seat. Nothing
/// is written. An answer is about at most 1,000 licenses, and names where the next one begins.
#[utoipa::path(post, path = "/api/admin/policies/{id}/simulate", tag = "policies", operation_id = "simulate_policy", request_body = SimulatePolicy, params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "What would have been.", body = SimulationResult), (status = 404, description = "`POLICY_NOT_FOUND`", body = Problem), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn simulate_policy(
    State(app): State<App>,
    caller: Caller<ReadPolicies>,
    Path(id): Path,
    Json { value, .. }: Json<SimulatePolicy>,
) -> Result<Response> {
    let policy = reading::id(&id, Policy::KIND)?;
    let days = value.days.unwrap_or(30);
    if !(1..=90).contains(&days) {
        return Err(invalid_field("/days", "This is a whole number from 1 to 90."));
    }
    let context = caller.reading(&app);
    let proposed = app
        .platform
        .proposed_terms(&context, policy, &terms(value.terms))
        .await?;
    let head = app.platform.log.position().await.map_err(unavailable)?;
    for model in ["license_state", "license_heartbeats", "activations"] {
        freshness::wait(&app, model, head).await?;
    }
    let since = context.now.plus_seconds(-days * 86_400);
    let begin = app.platform.log.position_at(AsOf::Time(since)).await;
    let begin = (since, begin.map_err(licet_commands::CommandError::from)?);
    let mut result = SimulationResult {
        since: since.to_string(),
        ..SimulationResult::default()
    };
    let filter = LicenseFilter {
        policy_id: Some(policy),
        ..LicenseFilter::default()
    };
    let after = value.cursor.as_deref().map(|text| {
        let invalid = || invalid_field("/cursor", "This is no cursor; begin without one.");
        reading::read_cursor(text).ok_or_else(invalid)
    });
    let mut request = PageRequest::first(200);
    request.after = after.transpose()?;
    loop {
        let page = license_state::list(&app.reader, &caller.tenant, &filter, &request)
            .await
            .map_err(unavailable)?;
        for row in &page.items {
            let id = LicenseId(row.license_id);
            let lived = app.platform.simulate_license(&context, id, &proposed, begin).await?;
            result.licenses += 1;
            result.activations += lived.activations;
            if !lived.over_seats.is_empty() && result.over_seats.len() < MAX_ENTRIES {
                let machines = lived.over_seats.iter().take(MAX_ENTRIES);
                result.over_seats.push(SimulatedOverSeats {
                    license_id: id.to_string(),
                    over: u32::try_from(lived.over_seats.len()).unwrap_or(u32::MAX),
                    activation_ids: machines.map(ToString::to_string).collect(),
                });
            }
            for (position, refusal) in lived.refused {
                if result.refused.len() < MAX_ENTRIES {
                    result.refused.push(SimulatedRefusal {
                        license_id: id.to_string(),
                        activation_id: refusal.activation_id.to_string(),
                        position,
                        code: refusal.rejection.code().to_owned(),
                    });
                }
            }
            too_late(&app, &caller, id, &lived.over, &mut result.refused).await?;
            over_limits(
                &app,
                &caller,
                id,
                &lived.limits,
                since,
                context.now,
                &mut result.over_limits,
            )
            .await?;
            let Some(hold) = proposed.hold_seconds() else { continue };
            let silences = heartbeats::silences(&app.reader, &caller.tenant, id.0, since, context.now, hold).await;
            for silence in silences.map_err(unavailable)? {
                if result.silent.len() < MAX_ENTRIES {
                    result.silent.push(SimulatedSilence {
                        license_id: id.to_string(),
                        activation_id: silence.activation_id.to_string(),
                        longest_seconds: silence.longest_seconds,
                        times: silence.times,
                    });
                }
            }
        }
        if page.next.is_none() || result.licenses >= MAX_LICENSES {
            result.next_cursor = page.next.map(reading::write_cursor);
            break;
        }
        request.after = page.next;
    }
    Ok(render::answer(StatusCode::OK, render::json(&result), &[]))
}

/// Machines that beat when the license would have been over.
async fn too_late(
    app: &App,
    caller: &Principal,
    id: LicenseId,
    over: &[(Timestamp, Timestamp)],
    refused: &mut Vec<SimulatedRefusal>,
) -> Result<()> {
    let mut seen = HashSet::new();
    for (from, to) in over {
        let range = heartbeats::Range { from: *from, to: *to };
        let beats = heartbeats::first_valid(&app.reader, &caller.tenant, id.0, range).await;
        for beat in beats.map_err(unavailable)? {
            if refused.len() < MAX_ENTRIES && seen.insert(beat.activation_id) {
                refused.push(SimulatedRefusal {
                    license_id: id.to_string(),
                    activation_id: beat.activation_id.to_string(),
                    position: beat.position,
                    code: Verdict::Expired.code().to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Billing periods in which a license used more than the proposed limits let it.
async fn over_limits(
    app: &App,
    caller: &Principal,
    id: LicenseId,
    limits: &Limits,
    since: Timestamp,
    now: Timestamp,
    over: &mut Vec<SimulatedOverLimit>,
) -> Result<()> {
    if limits.is_empty() {
        return Ok(());
    }
    let range = heartbeats::Range {
        from: billing_period(since),
        to: now,
    };
    let used = heartbeats::meters(&app.reader, &caller.tenant, id.0, range).await;
    for row in used.map_err(unavailable)? {
        let used = row.amount.max(0).cast_unsigned();
        let exceeded = limits.get(&row.meter).filter(|limit| limit.refuses(used));
        if let Some(limit) = exceeded
            && over.len() < MAX_ENTRIES
        {
            over.push(SimulatedOverLimit {
                license_id: id.to_string(),
                meter: row.meter,
                period: Timestamp::from(row.period).to_string(),
                used,
                limit: limit.amount,
            });
        }
    }
    Ok(())
}
