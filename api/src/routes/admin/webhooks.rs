//! `/api/admin/webhooks`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::webhook::{CreatedWebhook, NewWebhook, SubscriptionChanges, SubscriptionRequest};
use licet_contracts::{
    Page, Problem,
    webhook::{CreateWebhook, EditWebhook, Subscription, Webhook as Shape},
};
use licet_domain::{
    api_key::Scope,
    webhook::{LiveWebhook, Webhook},
};
use licet_projections::resources;
use serde_json::{Value, json};

use super::reading::{self, AsOfQuery, HistoryQuery, ListQuery};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, Path, Query},
    freshness, idempotency, problem,
    problem::{Result, unavailable},
    render,
    reply::{self, Reply},
};

fn request(sent: Subscription) -> SubscriptionRequest {
    SubscriptionRequest {
        url: sent.url,
        description: sent.description,
        event_types: sent.event_types,
        filters: sent.filters,
    }
}

/// A webhook as it stands.
fn shown(state: &Webhook) -> Option<Shape> {
    let shape = shape(state.facts()?, None);
    let retired = matches!(state, Webhook::Retired(_));
    let status = if retired { "retired" } else { "active" }.to_owned();
    Some(Shape { status, ..shape })
}

/// One that delivers.
fn shape(webhook: &LiveWebhook, secret: Option<&str>) -> Shape {
    let subscription = &webhook.subscription;
    Shape {
        id: webhook.created.webhook_id.to_string(),
        subscription: Subscription {
            url: subscription.url.as_str().to_owned(),
            description: subscription.description.as_ref().map(|text| text.as_str().to_owned()),
            event_types: subscription.event_types.clone(),
            filters: subscription.filters.clone(),
        },
        status: "active".to_owned(),
        secret: secret.map(str::to_owned),
        created_at: webhook.created.at.to_string(),
    }
}

fn editable(webhook: &LiveWebhook) -> Value {
    json!([webhook.created.webhook_id, webhook.subscription])
}

#[expect(clippy::needless_pass_by_value, reason = "shapes are made for their reply")]
fn reply(webhook: &LiveWebhook, shown: Shape) -> Reply {
    Reply::of(("webhooks", &shown.id), &shown, &editable(webhook))
}

/// Make a webhook. Its secret is answered here and nowhere else.
#[utoipa::path(post, path = "/api/admin/webhooks", tag = "webhooks", request_body = CreateWebhook,
    responses((status = 201, description = "Made.", body = Shape), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_webhook(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<CreateWebhook>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let about = ("create_webhook", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, |context| async {
        let context = context;
        let new = NewWebhook {
            subscription: request(value.subscription),
            from_position: value.from_position,
        };
        let made = |made: &CreatedWebhook| reply(&made.webhook, shape(&made.webhook, Some(&made.secret)));
        let done = app
            .platform
            .create_webhook(&context, new, &|value| made(value).kept())
            .await?;
        Ok(reply::answer(&done, StatusCode::CREATED, made))
    })
    .await
}

/// List webhooks, by time of creation.
#[utoipa::path(get, path = "/api/admin/webhooks", tag = "webhooks",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<Shape>)), security(("api_key" = [])))]
pub(crate) async fn list_webhooks(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let page_request = query.request()?;
    let page = resources::list::<Webhook>(&app.reader, &app.tenant, None, &page_request)
        .await
        .map_err(unavailable)?;
    Ok(reading::page(page, |row| shown(&row.state)))
}

/// Read a webhook, now or as it was; never its secret.
#[utoipa::path(get, path = "/api/admin/webhooks/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The webhook.", body = Shape), (status = 404, description = "`WEBHOOK_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_webhook(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, "webhook")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.webhooks, id).await?;
    let webhook = state.state.facts();
    let webhook = webhook.ok_or_else(|| problem::Problem::not_found("webhook"))?;
    let shown = shown(&state.state).unwrap_or_else(|| shape(webhook, None));
    Ok(reply(webhook, shown).answer(StatusCode::OK, state.position))
}

/// Change what a webhook subscribes to; what is absent stays as it is.
#[utoipa::path(patch, path = "/api/admin/webhooks/{id}", tag = "webhooks", request_body = EditWebhook, params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = Shape), (status = 409, description = "`WEBHOOK_RETIRED`", body = Problem), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_webhook(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<EditWebhook>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "webhook")?, if_match(&headers)?);
    let unchanged = |webhook: &LiveWebhook| render::matches(&tag, &editable(webhook));
    let edited = |webhook: &LiveWebhook| reply(webhook, shape(webhook, None));
    let context = caller.context(&app, None);
    let changes = SubscriptionChanges {
        url: value.url,
        description: value.description,
        event_types: value.event_types,
        filters: value.filters,
    };
    let done = app
        .platform
        .edit_webhook(&context, id, changes, &unchanged, &|webhook| edited(webhook).kept())
        .await?;
    Ok(reply::answer(&done, StatusCode::OK, edited))
}

/// End a webhook; what is on its way is not delivered any more.
#[utoipa::path(delete, path = "/api/admin/webhooks/{id}", tag = "webhooks", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Ended."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_webhook(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "webhook")?, if_match(&headers)?);
    let unchanged = |webhook: &LiveWebhook| render::matches(&tag, &editable(webhook));
    let context = caller.context(&app, None);
    let done = app.platform.retire_webhook(&context, id, &unchanged).await?;
    let headers = [render::position(done.position)];
    Ok(render::answer(StatusCode::NO_CONTENT, String::new(), &headers))
}

/// Read a webhook's history.
#[utoipa::path(get, path = "/api/admin/webhooks/{id}/events", tag = "webhooks", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<licet_contracts::admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn webhook_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history::<Webhook>(&app, &caller, &query, (&id, "webhook")).await
}
