//! `/api/admin/api-keys`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::api_key::{CreatedApiKey, NewApiKey};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    api_key::{ApiKey, IssuedApiKey, Scope},
    values::Timestamp,
};
use licet_event_store::usage;
use licet_projections::resources;

use super::reading::{self, AsOfQuery, HistoryQuery, ListQuery};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, OptionalJson, Path, Query},
    freshness, idempotency, problem,
    problem::{Result, unavailable},
    render,
    reply::{self, Reply},
};

/// A key with its secret, which is shown this once.
fn secret_reply(made: &CreatedApiKey, now: Timestamp) -> Reply {
    let shown = render::api_key(&made.key, Some(&made.secret), None, now);
    Reply::of(("api-keys", &shown.id), &shown, &render::api_key_editable(&made.key))
}

/// Make an API key. Its secret is answered here and nowhere else.
#[utoipa::path(post, path = "/api/admin/api-keys", tag = "api keys", request_body = admin::CreateApiKey,
    responses((status = 201, description = "Made.", body = admin::ApiKey),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_api_key(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateApiKey>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_api_key", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let new = NewApiKey {
                name: value.name,
                scopes: value.scopes,
                expires_at: value.expires_at,
            };
            let reply = |made: &CreatedApiKey| secret_reply(made, context.now);
            let done = app
                .platform
                .create_api_key(&context, new, &|made| reply(made).kept())
                .await?;
            Ok(reply::answer(&done, StatusCode::CREATED, reply))
        },
    )
    .await
}

/// List the API keys that were not revoked, by time of creation.
#[utoipa::path(get, path = "/api/admin/api-keys", tag = "api keys",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::ApiKey>)), security(("api_key" = [])))]
pub(crate) async fn list_api_keys(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let request = query.request()?;
    let page = resources::list::<ApiKey>(&app.reader, &app.tenant, None, &request)
        .await
        .map_err(unavailable)?;
    let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
    let last_used = usage::last_used(app.platform.log.pool(), &app.tenant, &ids)
        .await
        .map_err(unavailable)?;
    let (mut last_used, now) = (last_used.into_iter(), app.platform.edge.now());
    Ok(reading::page(page, |row| {
        let last_used = last_used.next().flatten().max(app.last_used.get(&row.id));
        row.state.facts().map(|key| render::api_key(key, None, last_used, now))
    }))
}

/// Read an API key, now or as it was; never its secret.
#[utoipa::path(get, path = "/api/admin/api-keys/{id}", tag = "api keys",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The key.", body = admin::ApiKey), (status = 404, description = "`API_KEY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_api_key(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let id = reading::id(&id, "API key")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.api_keys, id).await?;
    let key = state
        .state
        .facts()
        .ok_or_else(|| problem::Problem::not_found("API key"))?;
    let stored = usage::last_used(app.platform.log.pool(), &app.tenant, &[id])
        .await
        .map_err(unavailable)?;
    let last_used = stored.into_iter().next().flatten().max(app.last_used.get(&id));
    let moment = reading::as_of(&app, &query).await?;
    let at = moment.map_or_else(|| app.platform.edge.now(), |moment| moment.at);
    // Only the last use is known, and not what it was before.
    let last_used = last_used.filter(|used| moment.is_none() || *used <= at);
    let shown = render::api_key(key, None, last_used, at);
    let reply = Reply::of(("api-keys", &shown.id), &shown, &render::api_key_editable(key));
    Ok(reply.answer(StatusCode::OK, state.position))
}

/// Make a new API key in place of one; the old one goes on for the overlap and then ends by itself.
#[utoipa::path(post, path = "/api/admin/api-keys/{id}/rotate", tag = "api keys", request_body = admin::RotateApiKey, params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The new key, with its secret.", body = admin::ApiKey), (status = 404, description = "`API_KEY_NOT_FOUND`", body = Problem),
        (status = 409, description = "`API_KEY_ENDED`", body = Problem), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn rotate_api_key(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { value, bytes }: OptionalJson<admin::RotateApiKey>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let id = reading::id(&id, "API key")?;
    let route = format!("RotateApiKey/{id}");
    let about = (&route[..], &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, |context| async {
        let context = context;
        let wanted = (value.overlap_seconds.unwrap_or(86_400), value.expires_at);
        let reply = |made: &CreatedApiKey| secret_reply(made, context.now);
        let done = app
            .platform
            .rotate_api_key(&context, id, wanted, &|made| reply(made).kept())
            .await?;
        Ok(reply::answer(&done, StatusCode::CREATED, reply))
    })
    .await
}

/// Revoke an API key.
#[utoipa::path(delete, path = "/api/admin/api-keys/{id}", tag = "api keys", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Revoked, here at once and on other nodes within a second."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn revoke_api_key(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "API key")?, if_match(&headers)?);
    let unchanged = |key: &IssuedApiKey| render::matches(&tag, &render::api_key_editable(key));
    let done = app
        .platform
        .revoke_api_key(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

/// Read an API key's history.
#[utoipa::path(get, path = "/api/admin/api-keys/{id}/events", tag = "api keys", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn api_key_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    reading::history::<ApiKey>(&app, &caller, &query, (&id, "API key")).await
}
