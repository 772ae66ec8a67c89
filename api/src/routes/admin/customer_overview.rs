//! `GET /api/admin/customers/{id}/overview`: how a customer stands, or stood, at a glance.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Problem as Refusal, admin};
use licet_domain::{
    Resource as _,
    anomaly::{Anomaly, FoundAnomaly, Judgment},
    customer::Customer,
    permission::{Permission, needed::ReadCustomers},
    policy::Policy,
    values::{LicenseId, Timestamp},
};
use licet_projections::{
    PageRequest,
    customer_overview::{self, CustomerFigures},
    license_state::{self, LicenseFilter},
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    actors::Actors,
    audit,
    licenses::shown,
    reading::{self, AsOfQuery, Moment},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Path, Query},
    freshness,
    problem::{Problem, Result, unavailable},
    render::{self, Holder},
};

/// The newest licenses, and the latest events, that are shown.
const SHOWN: i64 = 20;
/// What is told here, by which read models.
const MODELS: [&str; 4] = ["license_state", "license_heartbeats", "resources", "audit_log"];

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(customer_overview))
}

/// Read how a customer stands, or stood: figures over all of its licenses, the newest of these, and what happened last, as
/// far as the caller may read that. Of the past, `usage` counts to the end of the moment's day (UTC), and `last_seen_at` and
/// `usage` go back as far as beats are online.
#[utoipa::path(get, path = "/api/admin/customers/{id}/overview", tag = "customers", params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "How it stands.", body = admin::CustomerOverview),
        (status = 404, description = "`CUSTOMER_NOT_FOUND`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn customer_overview(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Customer::KIND)?;
    for model in MODELS {
        freshness::of_read_model(&app, &headers, model).await?;
    }
    let moment = reading::as_of(&app, &query).await?;
    if let Some(moment) = moment {
        for model in MODELS {
            freshness::wait(&app, model, moment.position).await?;
        }
    }
    let known = reading::state(&caller, app.platform.of::<Customer>(), id, moment).await?;
    if !known.state.exists() {
        return Err(Problem::not_found(Customer::KIND));
    }
    let told = match moment {
        Some(moment) => then(&app, &caller, &known.state, moment).await?,
        None => now(&app, &caller, id).await?,
    };
    let mut activity = Vec::new();
    if caller.may(Permission::ReadAudit, &app) {
        let until = moment.map(|moment| (moment.position, moment.at));
        let rows = customer_overview::activity(&app.reader, &caller.tenant, id, until, SHOWN).await;
        let mut actors = Actors::new(&app, &caller.tenant);
        for row in rows.map_err(unavailable)? {
            let actor = actors.named(&row.actor_kind, &row.actor_id).await?;
            activity.push(audit::entry(&app, actor, row));
        }
    }
    let figures = told.figures;
    let overview = admin::CustomerOverview {
        licenses_by_status: admin::LicensesByStatus {
            active: figures.active,
            suspended: figures.suspended,
            revoked: figures.revoked,
            expired: figures.expired,
            not_yet_valid: figures.not_yet_valid,
        },
        seats: figures.seats,
        active: figures.seats_in_use,
        last_seen_at: figures.last_seen_at.map(|at| Timestamp::from(at).to_string()),
        open_anomalies: figures.open_anomalies,
        usage: told.usage,
        licenses: told.licenses,
        activity,
    };
    Ok(render::answer(StatusCode::OK, render::json(&overview), &[]))
}

/// What is told of a customer's licenses.
struct Told {
    figures: CustomerFigures,
    usage: BTreeMap<String, i64>,
    licenses: Vec<admin::License>,
}

async fn now(app: &App, caller: &Principal, id: Uuid) -> Result<Told> {
    let (reader, tenant, now) = (&app.reader, &caller.tenant, app.platform.edge.now());
    let figures = customer_overview::figures(reader, tenant, id, now)
        .await
        .map_err(unavailable)?;
    let usage = customer_overview::usage(reader, tenant, id, now)
        .await
        .map_err(unavailable)?;
    let filter = LicenseFilter {
        customer_id: Some(id),
        now,
        ..LicenseFilter::default()
    };
    let newest = PageRequest {
        descending: true,
        ..PageRequest::first(SHOWN)
    };
    let licenses = license_state::list(reader, tenant, &filter, &newest)
        .await
        .map_err(unavailable)?;
    Ok(Told {
        figures,
        usage,
        licenses: shown(app, caller, &licenses.items).await?,
    })
}

/// How it stood: its licenses and their policies as they were, and what the read models know of that time.
async fn then(app: &App, caller: &Principal, customer: &Customer, moment: Moment) -> Result<Told> {
    let (reader, tenant, Moment { position, at }) = (&app.reader, &caller.tenant, moment);
    let id = customer.id().unwrap_or_default();
    let past = customer_overview::licenses_as_of(reader, tenant, id, (position, at)).await;
    let past = past.map_err(licet_commands::CommandError::from)?;
    let ids: Vec<Uuid> = past.iter().map(|license| license.license_id).collect();
    let mut policy_seats = HashMap::new();
    for license in &past {
        if let Entry::Vacant(unknown) = policy_seats.entry(license.policy_id) {
            let policy = reading::state(caller, app.platform.of::<Policy>(), license.policy_id, Some(moment)).await?;
            let facts = policy.state.facts();
            unknown.insert(facts.map_or(0, |policy| i64::from(policy.terms.seats)));
        }
    }
    let mut figures = CustomerFigures::of_past(&past, &policy_seats);
    let seen = customer_overview::last_seen_as_of(reader, tenant, &ids, (position, at)).await;
    figures.last_seen_at = seen.map_err(unavailable)?;
    let found = customer_overview::anomalies_of(reader, tenant, &ids).await;
    for anomaly in found.map_err(unavailable)? {
        let anomaly = reading::state(caller, app.platform.of::<Anomaly>(), anomaly, Some(moment)).await?;
        let open = |facts: &FoundAnomaly| facts.judgment == Judgment::Open;
        figures.open_anomalies += i64::from(anomaly.state.facts().is_some_and(open));
    }
    let usage = customer_overview::usage_as_of(reader, tenant, &ids, at).await;
    let holder = app.platform.person_sealer(tenant, id).await?;
    let holder = holder.map(|sealer| Holder::of(sealer, customer));
    let mut licenses = Vec::new();
    for license in past.iter().take(SHOWN as usize) {
        let license = LicenseId(license.license_id);
        let effective = app.platform.effective_as_of(tenant, license, position).await?;
        licenses.push(render::license(&effective, None, holder.as_ref(), at));
    }
    Ok(Told {
        figures,
        usage: usage.map_err(unavailable)?,
        licenses,
    })
}
