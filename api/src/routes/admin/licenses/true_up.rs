//! `GET /api/admin/licenses/{id}/true-up`

use axum::{extract::State, http::StatusCode, response::Response};
use licet_commands::CommandError;
use licet_contracts::{
    Problem,
    lease::ISSUER,
    true_up::{Evidence, OverUse, Statement, TRUE_UP_TYPE, TrueUp},
};
use licet_domain::{permission::needed::ReadLicenses, true_up::figures, values::Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::license_id;
use crate::{
    App,
    auth::Caller,
    extract::{Path, Query, invalid},
    problem::{Result, unavailable},
    render, signing,
};

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrueUpQuery {
    /// When the period begins, RFC 3339.
    #[param(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When it ends, RFC 3339; a period that is not over ends now, as the statement says.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Read what a license used in a period, as a signed statement that verifies offline.
#[utoipa::path(get, path = "/api/admin/licenses/{id}/true-up", tag = "usage",
    params(("id" = uuid::Uuid, Path), TrueUpQuery),
    responses((status = 200, description = "The statement.", body = TrueUp), (status = 404, description = "`LICENSE_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn license_true_up(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    Query(query, _): Query<TrueUpQuery>,
    Path(id): Path,
) -> Result<Response> {
    let (id, context) = (license_id(&id)?, caller.reading(&app));
    let from = query.from;
    // Nobody signs for what has not happened: a period that is not over ends now.
    let to = query.to.map_or(context.now, |to| to.min(context.now));
    if from >= to {
        return Err(invalid("from"));
    }
    let steps = app.platform.seat_steps(&context, id).await?;
    let license = app.platform.licenses.get(&caller.tenant, id.0).await;
    let license = license.map_err(CommandError::from)?;
    let effective = app.platform.effective(&caller.tenant, &license).await?;
    let log_id = app.platform.log.log_id().await.map_err(unavailable)?;
    let figures = figures(&steps, from, to);
    let statement = Statement {
        iss: ISSUER.to_owned(),
        iat: context.now.seconds(),
        license_id: id.to_string(),
        product: effective.product.code.to_string(),
        from: from.to_string(),
        to: to.to_string(),
        peak: figures.peak,
        peak_at: figures.peak_at.map(|at| at.to_string()),
        average: figures.average,
        over_use: figures.over_use.iter().map(over_use).collect(),
        events: Evidence {
            count: figures.events.count,
            first: figures.events.first,
            last: figures.events.last,
        },
        log_id: log_id.to_string(),
        ver: 1,
    };
    let jws = signing::jws(&app, TRUE_UP_TYPE, &statement);
    let answer = TrueUp { statement, jws };
    Ok(render::answer(StatusCode::OK, render::json(&answer), &[]))
}

fn over_use(day: &licet_domain::true_up::OverUse) -> OverUse {
    OverUse {
        day: day.day.to_string(),
        over: day.over,
        seconds: day.seconds,
    }
}
