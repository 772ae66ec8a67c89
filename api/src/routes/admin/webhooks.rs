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
    Resource as _,
    permission::needed::{ReadWebhooks, WriteWebhooks},
    webhook::Webhook,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    reading::{AsOfQuery, HistoryQuery, ListQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Json, Path, Query},
    idempotency,
    problem::{Problem as Refusal, Result},
    render,
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_webhook, list_webhooks))
        .routes(guarded!(read_webhook, edit_webhook, retire_webhook))
        .routes(guarded!(webhook_events))
}

impl Shown for Webhook {
    type Shape = Shape;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<Shape> {
        let webhook = self.facts()?;
        let subscription = &webhook.subscription;
        Some(Shape {
            id: webhook.created.webhook_id.to_string(),
            url: subscription.url.as_str().to_owned(),
            description: subscription.description.as_ref().map(|text| text.as_str().to_owned()),
            event_types: subscription.event_types.clone(),
            filters: subscription.filters.clone(),
            status: render::status(self.is_retired()),
            secret: None,
            created_at: webhook.created.at.to_string(),
        })
    }
}

fn request(sent: Subscription) -> SubscriptionRequest {
    SubscriptionRequest {
        url: sent.url,
        description: sent.description,
        event_types: sent.event_types,
        filters: sent.filters,
    }
}

/// A webhook that was just made, with its secret.
fn created(made: &CreatedWebhook) -> Result<Reply> {
    let missing = || Refusal::not_found(Webhook::KIND);
    let mut shape = made.webhook.shape(&()).ok_or_else(missing)?;
    shape.secret = Some(made.secret.clone());
    resource::reply_as(&made.webhook, &shape).ok_or_else(missing)
}

/// Make a webhook. Its secret is answered here and nowhere else.
#[utoipa::path(post, path = "/api/admin/webhooks", tag = "webhooks", request_body = CreateWebhook,
    responses((status = 201, description = "Made.", body = Shape), (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_webhook(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Json { value, bytes }: Json<CreateWebhook>,
) -> Result<Response> {
    let about = ("create_webhook", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, async |context| {
        let new = NewWebhook {
            subscription: request(value.subscription),
            from_position: value.from_position,
        };
        let kept = |made: &CreatedWebhook| created(made).map(|reply| reply.kept()).unwrap_or_default();
        let done = app.platform.create_webhook(&context, new, &kept).await?;
        Ok(created(&done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await
}

/// List webhooks, by time of creation.
#[utoipa::path(get, path = "/api/admin/webhooks", tag = "webhooks",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<Shape>)), security(("api_key" = [])))]
pub(crate) async fn list_webhooks(
    State(app): State<App>,
    caller: Caller<ReadWebhooks>,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    resource::list::<Webhook>(&app, &caller, &headers, query.request()?, None).await
}

/// Read a webhook, now or as it was; never its secret.
#[utoipa::path(get, path = "/api/admin/webhooks/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The webhook.", body = Shape), (status = 404, description = "`WEBHOOK_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_webhook(
    State(app): State<App>,
    caller: Caller<ReadWebhooks>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Webhook>(&app, &caller, &query, &id).await
}

/// Change what a webhook subscribes to; what is absent stays as it is.
#[utoipa::path(patch, path = "/api/admin/webhooks/{id}", tag = "webhooks", request_body = EditWebhook, params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = Shape), (status = 409, description = "`WEBHOOK_RETIRED`", body = Problem), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_webhook(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<EditWebhook>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Webhook>(&id, &headers)?;
    let context = caller.context(&app, None);
    let changes = SubscriptionChanges {
        url: value.url,
        description: value.description,
        event_types: value.event_types,
        filters: value.filters,
    };
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .edit_webhook(&context, id, changes, &unchanged, &resource::kept)
        .await?;
    resource::answer(&done, StatusCode::OK)
}

/// End a webhook; what is on its way is not delivered any more.
#[utoipa::path(delete, path = "/api/admin/webhooks/{id}", tag = "webhooks", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Ended."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_webhook(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<Webhook>(&app, &caller, &headers, &id).await
}

/// Read a webhook's history.
#[utoipa::path(get, path = "/api/admin/webhooks/{id}/events", tag = "webhooks", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<licet_contracts::admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn webhook_events(
    State(app): State<App>,
    caller: Caller<ReadWebhooks>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Webhook>(&app, &caller, &query, &id).await
}
