//! `/api/admin/api-keys`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::api_key::{CreatedApiKey, NewApiKey};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    Resource as _,
    api_key::ApiKey,
    permission::needed::{ReadApiKeys, WriteApiKeys},
    values::Timestamp,
};
use licet_projections::nodes::key_usage;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListQuery, Moment},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, OptionalJson, Path, Query},
    idempotency,
    problem::{Problem as Refusal, Result, unavailable},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_api_key, list_api_keys))
        .routes(guarded!(read_api_key, revoke_api_key))
        .routes(guarded!(rotate_api_key))
        .routes(guarded!(api_key_events))
}

/// When a key was used, and when that is told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    last: Option<Timestamp>,
    /// The moment at which the key lives or has expired; none is before it was made.
    at: Option<Timestamp>,
}

impl Shown for ApiKey {
    type Shape = admin::ApiKey;
    type Extra = Used;

    async fn extras(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
        moment: Option<Moment>,
    ) -> Result<Vec<Used>> {
        let ids: Vec<_> = things.iter().map(|(id, _)| *id).collect();
        let stored = key_usage::last_used(app.platform.log.pool(), &caller.tenant, &ids).await;
        let at = moment.map_or_else(|| app.platform.edge.now(), |moment| moment.at);
        let used = |(id, stored): (&Uuid, Option<Timestamp>)| Used {
            // Only the last use is known, and not what it was before.
            last: stored
                .max(app.last_used.get(id))
                .filter(|used| moment.is_none() || *used <= at),
            at: Some(at),
        };
        Ok(ids.iter().zip(stored.map_err(unavailable)?).map(used).collect())
    }

    fn shape(&self, used: &Used) -> Option<admin::ApiKey> {
        let key = self.facts()?;
        let created = &key.created;
        let is_live = used.at.is_none_or(|at| key.is_live(at));
        let status = match (key.revoked_at, is_live) {
            (Some(_), _) => "revoked",
            (None, true) => "active",
            (None, false) => "expired",
        };
        Some(admin::ApiKey {
            id: created.api_key_id.to_string(),
            key: None,
            prefix: created.prefix.clone(),
            name: created.name.as_str().to_owned(),
            scopes: created.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            expires_at: created.expires_at.map(|end| end.to_string()),
            last_used_at: used.last.map(|at| at.to_string()),
            status: status.to_owned(),
            created_at: created.at.to_string(),
        })
    }
}

/// A key that was just made, with its secret.
fn created(made: &CreatedApiKey) -> Result<Reply> {
    let missing = || Refusal::not_found(ApiKey::KIND);
    let mut shape = made.key.shape(&Used::default()).ok_or_else(missing)?;
    shape.key = Some(made.secret.clone());
    resource::reply_as(&made.key, &shape).ok_or_else(missing)
}

fn kept(made: &CreatedApiKey) -> String {
    created(made).map(|reply| reply.kept()).unwrap_or_default()
}

/// Make an API key. Its secret is answered here and nowhere else.
#[utoipa::path(post, path = "/api/admin/api-keys", tag = "api keys", request_body = admin::CreateApiKey,
    responses((status = 201, description = "Made.", body = admin::ApiKey),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_api_key(
    State(app): State<App>,
    caller: Caller<WriteApiKeys>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateApiKey>,
) -> Result<Response> {
    let about = ("create_api_key", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, async |context| {
        let new = NewApiKey {
            name: value.name,
            scopes: value.scopes,
            expires_at: value.expires_at,
        };
        let done = app.platform.create_api_key(&context, new, &kept).await?;
        Ok(created(&done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await
}

/// List the API keys that were not revoked, by time of creation.
#[utoipa::path(get, path = "/api/admin/api-keys", tag = "api keys",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::ApiKey>)), security(("api_key" = [])))]
pub(crate) async fn list_api_keys(
    State(app): State<App>,
    caller: Caller<ReadApiKeys>,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    resource::list::<ApiKey>(&app, &caller, &headers, query.request()?, None).await
}

/// Read an API key, now or as it was; never its secret.
#[utoipa::path(get, path = "/api/admin/api-keys/{id}", tag = "api keys",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The key.", body = admin::ApiKey), (status = 404, description = "`API_KEY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_api_key(
    State(app): State<App>,
    caller: Caller<ReadApiKeys>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<ApiKey>(&app, &caller, &query, &id).await
}

/// Make a new API key in place of one; the old one goes on for the overlap and then ends by itself.
#[utoipa::path(post, path = "/api/admin/api-keys/{id}/rotate", tag = "api keys", request_body = admin::RotateApiKey, params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The new key, with its secret.", body = admin::ApiKey), (status = 404, description = "`API_KEY_NOT_FOUND`", body = Problem),
        (status = 409, description = "`API_KEY_ENDED`", body = Problem), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn rotate_api_key(
    State(app): State<App>,
    caller: Caller<WriteApiKeys>,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { value, bytes }: OptionalJson<admin::RotateApiKey>,
) -> Result<Response> {
    let id = reading::id(&id, ApiKey::KIND)?;
    let route = format!("RotateApiKey/{id}");
    let about = (&route[..], &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, async |context| {
        let overlap = value.overlap_seconds.unwrap_or(86_400);
        let done = app
            .platform
            .rotate_api_key(&context, id, overlap, value.expires_at, &kept)
            .await?;
        Ok(created(&done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await
}

/// Revoke an API key.
#[utoipa::path(delete, path = "/api/admin/api-keys/{id}", tag = "api keys", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Revoked, here at once and on other nodes within a second."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn revoke_api_key(
    State(app): State<App>,
    caller: Caller<WriteApiKeys>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<ApiKey>(&app, &caller, &headers, &id).await
}

/// Read an API key's history.
#[utoipa::path(get, path = "/api/admin/api-keys/{id}/events", tag = "api keys", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn api_key_events(
    State(app): State<App>,
    caller: Caller<ReadApiKeys>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<ApiKey>(&app, &caller, &query, &id).await
}
