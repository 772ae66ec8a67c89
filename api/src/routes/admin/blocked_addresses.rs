//! `/api/admin/blocked-addresses`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::{
    CommandError,
    blocked_address::{BlockView, NewBlock, open_block},
};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    Resource as _,
    blocked_address::BlockedAddress,
    permission::needed::{ReadBlockedAddresses, WriteBlockedAddresses},
    values::Timestamp,
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListQuery, Moment},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, Path, Query},
    freshness, idempotency,
    problem::{Problem as Refusal, Result},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(block_address, list_blocked_addresses))
        .routes(guarded!(read_blocked_address, unblock_address))
        .routes(guarded!(blocked_address_events))
}

/// What is sealed of a block, and when it is looked at.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    network: String,
    reason: Option<String>,
    at: Timestamp,
}

impl Shown for BlockedAddress {
    type Shape = admin::BlockedAddress;
    type Extra = Option<Opened>;

    async fn extras(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
        moment: Option<Moment>,
    ) -> Result<Vec<Option<Opened>>> {
        let at = moment.map_or_else(|| app.platform.edge.now(), |moment| moment.at);
        let sealer = &app.platform.tenant_sealer(&caller.tenant).await?;
        let open = |(_, block): &(Uuid, &Self)| {
            let Some((network, reason)) = block.facts().map(|block| open_block(block, sealer)).transpose()? else {
                return Ok(None);
            };
            Ok(Some(Opened { network, reason, at }))
        };
        let opened: std::result::Result<_, CommandError> = things.iter().map(open).collect();
        Ok(opened?)
    }

    fn shape(&self, opened: &Option<Opened>) -> Option<admin::BlockedAddress> {
        let (block, opened) = (self.facts()?, opened.as_ref()?);
        let status = match self {
            Self::Live(block) if block.is_over(opened.at) => "over",
            Self::Live(_) => "blocked",
            _ => "unblocked",
        };
        Some(admin::BlockedAddress {
            id: block.id.to_string(),
            network: opened.network.clone(),
            reason: opened.reason.clone(),
            status: status.to_owned(),
            automatic: block.automatic,
            blocked_at: block.blocked_at.to_string(),
            until: block.until.map(|until| until.to_string()),
        })
    }
}

fn reply(view: &BlockView) -> Result<Reply> {
    let opened = view.block.facts().map(|block| Opened {
        network: view.network.clone(),
        reason: view.reason.clone(),
        at: block.blocked_at,
    });
    resource::reply(&view.block, &opened).ok_or_else(|| Refusal::not_found(BlockedAddress::KIND))
}

fn kept(view: &BlockView) -> String {
    reply(view).map(|reply| reply.kept()).unwrap_or_default()
}

/// Block a range: nobody signs in from there any more. Who is signed in stays so, and licensed programs are not touched.
#[utoipa::path(post, path = "/api/admin/blocked-addresses", tag = "blocked-addresses", request_body = admin::BlockAddress,
    responses((status = 201, description = "Blocked, on every node.", body = admin::BlockedAddress),
        (status = 409, description = "`ADDRESS_ALREADY_BLOCKED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn block_address(
    State(app): State<App>,
    caller: Caller<WriteBlockedAddresses>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::BlockAddress>,
) -> Result<Response> {
    let about = ("block_address", &bytes[..], StatusCode::CREATED);
    let new = NewBlock {
        network: value.network,
        reason: value.reason,
        until: value.until,
    };
    let answer = idempotency::once(&app, &caller, &headers, about, async |context| {
        let done = app.platform.block_address(&context, new, &kept).await?;
        Ok(reply(&done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await?;
    in_force(&app).await;
    Ok(answer)
}

/// List the blocked ranges, by time of the first block. What is over by itself is among them until it is unblocked.
#[utoipa::path(get, path = "/api/admin/blocked-addresses", tag = "blocked-addresses", params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::BlockedAddress>)), security(("api_key" = [])))]
pub(crate) async fn list_blocked_addresses(
    State(app): State<App>,
    caller: Caller<ReadBlockedAddresses>,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    resource::list::<BlockedAddress>(&app, &caller, &headers, query.request()?, None).await
}

/// Read a blocked range, now or as it was.
#[utoipa::path(get, path = "/api/admin/blocked-addresses/{id}", tag = "blocked-addresses", params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The range.", body = admin::BlockedAddress)), security(("api_key" = [])))]
pub(crate) async fn read_blocked_address(
    State(app): State<App>,
    caller: Caller<ReadBlockedAddresses>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<BlockedAddress>(&app, &caller, &query, &id).await
}

/// Unblock a range.
#[utoipa::path(delete, path = "/api/admin/blocked-addresses/{id}", tag = "blocked-addresses", params(("id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Unblocked, on every node.")), security(("api_key" = [])))]
pub(crate) async fn unblock_address(
    State(app): State<App>,
    caller: Caller<WriteBlockedAddresses>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, BlockedAddress::KIND)?;
    let context = caller.context(&app, None);
    let done = app.platform.retire::<BlockedAddress>(&context, id, &|_| true).await?;
    in_force(&app).await;
    Ok(resource::retired(&done))
}

/// Read a blocked range's history.
#[utoipa::path(get, path = "/api/admin/blocked-addresses/{id}/events", tag = "blocked-addresses", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn blocked_address_events(
    State(app): State<App>,
    caller: Caller<ReadBlockedAddresses>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<BlockedAddress>(&app, &caller, &query, &id).await
}

/// What was answered is in force: log-ins look at the read model, on every node.
async fn in_force(app: &App) {
    if let Ok(head) = app.platform.log.position().await
        && let Err(problem) = freshness::wait(app, "resources", head).await
    {
        tracing::warn!(code = %problem.code, "a block is not in force yet: the read model is behind");
    }
}
