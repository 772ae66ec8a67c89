//! `/api/admin/webhooks/{id}/deliveries`, `/test` and `/replay`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::CommandError;
use licet_contracts::{
    Page, Problem,
    webhook::{Delivery, ReplayWebhook, TestedWebhook},
};
use licet_domain::{
    Resource as _,
    operation::{DeliveryResent, OperationEvent, WebhookReplayed},
    permission::needed::{ReadWebhooks, WriteWebhooks},
    values::{Timestamp, WebhookId},
    webhook::{LiveWebhook, Webhook},
};
use licet_event_store::{AsOf, vault::Purpose};
use licet_projections::queues::deliveries::{self, DeliveryRow};
use licet_workers::webhooks::{Sent, consumer};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::reading::{self, PageQuery};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, MOMENT, Path, Path2, Query, invalid_field},
    idempotency,
    problem::{self, DELIVERY, Result, unavailable},
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(list_deliveries))
        .routes(guarded!(resend_delivery))
        .routes(guarded!(replay_webhook))
        .routes(guarded!(test_webhook))
}

async fn live(app: &App, caller: &Principal, id: &str) -> Result<(Uuid, LiveWebhook)> {
    let id = reading::id(id, Webhook::KIND)?;
    let state = app
        .platform
        .resources
        .webhooks
        .fresh(&caller.tenant, id)
        .await
        .map_err(CommandError::from)?;
    match &state.state {
        Webhook::Live(webhook) => Ok((id, webhook.clone())),
        Webhook::Absent | Webhook::Retired(_) => Err(problem::Problem::not_found(Webhook::KIND)),
    }
}

fn shape(row: DeliveryRow) -> Delivery {
    let time = |moment: OffsetDateTime| Timestamp::from(moment).to_string();
    Delivery {
        position: row.position,
        event_type: row.event_type,
        next_attempt_at: (row.status == "pending").then(|| time(row.next_attempt_at)),
        status: row.status,
        attempts: row.attempts,
        created_at: time(row.created_at),
        settled_at: row.settled_at.map(time),
        last_status: row.last_status,
        last_error: row.last_error,
    }
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryStatus {
    Pending,
    Delivered,
    Dead,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// Those that stand so.
    #[param(inline)]
    status: Option<DeliveryStatus>,
}

/// List a webhook's deliveries, newest event first.
#[utoipa::path(get, path = "/api/admin/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = uuid::Uuid, Path), PageQuery, DeliveryQuery),
    responses((status = 200, description = "A page.", body = Page<Delivery>), (status = 404, description = "`WEBHOOK_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn list_deliveries(
    State(app): State<App>,
    caller: Caller<ReadWebhooks>,
    Query(page, filter): Query<PageQuery, DeliveryQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Webhook::KIND)?;
    let webhook = reading::state(&caller, &app.platform.resources.webhooks, id, None).await?;
    if !webhook.state.exists() {
        return Err(problem::Problem::not_found(Webhook::KIND));
    }
    let limit = page.limit();
    let status = filter.status.map(|status| match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Dead => "dead",
    });
    let after = page.after(|text| text.parse().ok())?;
    let rows = deliveries::list(
        app.platform.log.report_pool(),
        &caller.tenant,
        id,
        status,
        after,
        limit + 1,
    )
    .await
    .map_err(unavailable)?;
    let most = page.most();
    let counted = deliveries::count(app.platform.log.report_pool(), &caller.tenant, id, status, most).await;
    let total = reading::total(counted.map_err(unavailable)?, most);
    Ok(reading::slice(
        rows,
        limit,
        total,
        |row| row.position.to_string(),
        shape,
    ))
}

/// Try a delivery again from the beginning, a dead one too.
#[utoipa::path(post, path = "/api/admin/webhooks/{id}/deliveries/{position}/resend", tag = "webhooks", params(("id" = uuid::Uuid, Path), ("position" = i64, Path)),
    responses((status = 202, description = "On its way."), (status = 404, description = "`DELIVERY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn resend_delivery(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Path2(id, position): Path2,
) -> Result<Response> {
    let (id, _) = live(&app, &caller, &id).await?;
    let missing = || problem::Problem::not_found(DELIVERY);
    let position: i64 = position.parse().map_err(|_| missing())?;
    let route = format!("Resend/{id}/{position}");
    let about = (&route[..], &[][..], StatusCode::ACCEPTED);
    let (answer, _) = idempotency::once_outside_log(&app, &caller, &headers, about, || async {
        let pool = app.platform.log.pool();
        let next = position.checked_add(1).ok_or_else(missing)?;
        let known = deliveries::list(pool, &caller.tenant, id, None, Some(next), 1).await;
        if known
            .map_err(unavailable)?
            .first()
            .is_none_or(|row| row.position != position)
        {
            return Err(missing());
        }
        let context = caller.context(&app, None);
        let resent = OperationEvent::DeliveryResent(DeliveryResent {
            webhook_id: WebhookId(id),
            position,
            at: context.now,
        });
        app.platform
            .record_operation(&context, &id.to_string(), &resent)
            .await?;
        let found = deliveries::resend(pool, &caller.tenant, id, position).await;
        found.map_err(unavailable)?;
        Ok("{}".to_owned())
    })
    .await?;
    Ok(answer)
}

/// Send everything since a moment again, and what was not wanted then and is now.
#[utoipa::path(post, path = "/api/admin/webhooks/{id}/replay", tag = "webhooks", request_body = ReplayWebhook, params(("id" = uuid::Uuid, Path)),
    responses((status = 202, description = "On its way."), (status = 404, description = "`WEBHOOK_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn replay_webhook(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, bytes }: Json<ReplayWebhook>,
) -> Result<Response> {
    let (id, webhook) = live(&app, &caller, &id).await?;
    let since: AsOf = value.since.parse().map_err(|_| invalid_field("/since", MOMENT))?;
    let head = app.platform.log.position().await.map_err(unavailable)?;
    let since = since
        .expect_past(head, app.platform.edge.now())
        .map_err(|error| invalid_field("/since", &format!("{error}.")))?;
    let route = format!("ReplayWebhook/{id}");
    let about = (&route[..], &bytes[..], StatusCode::ACCEPTED);
    let (answer, _) = idempotency::once_outside_log(&app, &caller, &headers, about, || async {
        let log = &app.platform.log;
        let after = log.position_at(since).await.map_err(unavailable)?;
        let context = caller.context(&app, None);
        let replayed = OperationEvent::WebhookReplayed(WebhookReplayed {
            webhook_id: WebhookId(id),
            after_position: after,
            at: context.now,
        });
        app.platform
            .record_operation(&context, &id.to_string(), &replayed)
            .await?;
        let consumer = consumer(id);
        let from = webhook.created.from_position;
        let sent_back = deliveries::replay(log.pool(), &caller.tenant, &consumer, id, from, after).await;
        sent_back.map_err(unavailable)?;
        Ok(json!({ "after_position": after }).to_string())
    })
    .await?;
    Ok(answer)
}

/// Deliver a test event now, once, and say how it went.
#[utoipa::path(post, path = "/api/admin/webhooks/{id}/test", tag = "webhooks", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "How it went.", body = TestedWebhook), (status = 404, description = "`WEBHOOK_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn test_webhook(
    State(app): State<App>,
    caller: Caller<WriteWebhooks>,
    Path(id): Path,
) -> Result<Response> {
    let (id, webhook) = live(&app, &caller, &id).await?;
    let context = caller.reading(&app);
    let sealer = app.platform.vault.sealer(&caller.tenant, Purpose::Tenant, "1").await;
    let opened = sealer.and_then(|sealer| sealer.open(&webhook.created.secret));
    let secret = opened?;
    let body = json!({ "type": "webhook.test", "timestamp": context.now, "data": { "webhook_id": id } });
    let message = (format!("msg_test_{}", context.command_id.simple()), body.to_string());
    let url = webhook.subscription.url.as_str();
    let shown = match app.sender.send(url, &secret, message, context.now).await {
        Sent::Taken(status) => TestedWebhook {
            delivered: true,
            status: Some(status),
            error: None,
        },
        Sent::Refused { status, error, .. } => TestedWebhook {
            delivered: false,
            status,
            error: Some(error),
        },
    };
    Ok(render::answer(StatusCode::OK, render::json(&shown), &[]))
}
