//! `/api/admin/replays`

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use licet_contracts::{
    Problem,
    replay::{CreateReplay, Replay, ReplayFile},
};
use licet_domain::{permission::needed::RunReplays, values::Timestamp};
use licet_event_store::AsOf;
use licet_projections::{
    Format, Projector, projectors,
    replays::{self, ReplayOrder, ReplayRow},
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::reading;
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, MOMENT, Path, Path2, invalid_field},
    idempotency,
    problem::{self, REPLAY, Result, unavailable},
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_replay))
        .routes(guarded!(read_replay))
        .routes(guarded!(fetch_replay))
}

fn shape(row: ReplayRow, files: Vec<(String, i64)>) -> Replay {
    let file = |(table, bytes): (String, i64)| ReplayFile {
        url: format!("/api/admin/replays/{}/{table}.{}", row.replay_id, row.format),
        table,
        bytes,
    };
    Replay {
        id: row.replay_id.to_string(),
        files: if row.status == "done" {
            files.into_iter().map(file).collect()
        } else {
            vec![]
        },
        name: row.name,
        position: row.position,
        format: row.format,
        status: row.status,
        reached: row.reached,
        error: row.error,
        created_at: Timestamp::from(row.created_at).to_string(),
    }
}

async fn find(app: &App, caller: &Principal, id: Uuid) -> Result<Replay> {
    let pool = app.platform.log.pool();
    let row = replays::find(pool, &caller.tenant, id).await.map_err(unavailable)?;
    let row = row.ok_or_else(|| problem::Problem::not_found(REPLAY))?;
    let files = replays::files(pool, id).await.map_err(unavailable)?;
    Ok(shape(row, files))
}

/// Build a read model as it stood at any moment, as files to fetch. The living one is not touched.
#[utoipa::path(post, path = "/api/admin/replays", tag = "replays", operation_id = "create_replay", request_body = CreateReplay,
    responses((status = 202, description = "Running; `Location` tells how far it is, `Retry-After` when to ask.", body = Replay), (status = 422, description = "`VALIDATION_FAILED`", body = Problem),
        (status = 429, description = "`REPLAYS_RUNNING`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_replay(
    State(app): State<App>,
    caller: Caller<RunReplays>,
    headers: HeaderMap,
    Json { value, bytes }: Json<CreateReplay>,
) -> Result<Response> {
    let about = ("CreateReplay", &bytes[..], StatusCode::ACCEPTED);
    let run = || begin(&app, &caller, value);
    let (mut answer, body) = idempotency::once_outside_log(&app, &caller, &headers, about, run).await?;
    if let Ok(replay) = serde_json::from_str::<Replay>(&body) {
        let (name, value) = render::location("replays", &replay.id);
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(name, value);
        }
        // Seconds; most are done by then.
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(answer)
}

async fn begin(app: &App, caller: &Principal, wanted: CreateReplay) -> Result<String> {
    let all: Vec<&'static dyn Projector> = projectors().into();
    let projector = all.into_iter().find(|projector| projector.name() == wanted.name);
    let projector = projector.ok_or_else(|| {
        let names: Vec<&str> = projectors().into_iter().map(Projector::name).collect();
        let detail = format!("There is no read model of this name; there are {}.", names.join(", "));
        invalid_field("/name", &detail)
    })?;
    let format = match wanted.format.as_deref().unwrap_or("parquet") {
        "parquet" => Format::Parquet,
        "csv" => Format::Csv,
        _ => return Err(invalid_field("/format", "The format is parquet or csv.")),
    };
    let head = app.platform.log.position().await.map_err(unavailable)?;
    let as_of = wanted
        .as_of
        .as_deref()
        .filter(|text| !text.trim().is_empty())
        .map(str::parse::<AsOf>)
        .transpose();
    let as_of = as_of
        .map_err(|_| invalid_field("/as_of", MOMENT))?
        .unwrap_or(AsOf::Position(head))
        .expect_past(head, app.platform.edge.now())
        .map_err(|error| invalid_field("/as_of", &format!("{error}.")))?;
    let order = ReplayOrder {
        id: app.platform.edge.id(),
        tenant: caller.tenant.clone(),
        projector,
        position: app.platform.log.position_at(as_of).await.map_err(unavailable)?,
        format,
    };
    let id = order.id;
    // Nobody else on the machine reads in it.
    let folder = tempfile::Builder::new().prefix("licet-replay-").tempdir();
    let folder = folder.map_err(|error| problem::Problem::internal(&error))?;
    if !replays::begin(app.platform.log.pool(), &order)
        .await
        .map_err(unavailable)?
    {
        let detail = format!(
            "{} replays are running; ask again when one of them is done.",
            replays::MAX_RUNNING
        );
        let code = "REPLAYS_RUNNING";
        return Err(problem::Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail));
    }
    let log = app.platform.log.clone();
    tokio::spawn(async move {
        replays::run(log, order, folder.path()).await;
        if let Err(error) = folder.close() {
            tracing::debug!(%error, "a replay's folder could not be removed");
        }
    });
    Ok(render::json(&find(app, caller, id).await?))
}

/// Read how far a replay is, and where its files are.
#[utoipa::path(get, path = "/api/admin/replays/{id}", tag = "replays", operation_id = "read_replay", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The replay.", body = Replay), (status = 404, description = "`REPLAY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_replay(
    State(app): State<App>,
    caller: Caller<RunReplays>,
    Path(id): Path,
) -> Result<Response> {
    let replay = find(&app, &caller, reading::id(&id, REPLAY)?).await?;
    Ok(render::answer(StatusCode::OK, render::json(&replay), &[]))
}

/// Fetch a file of a replay.
#[utoipa::path(get, path = "/api/admin/replays/{id}/{file}", tag = "replays", operation_id = "fetch_replay", params(("id" = uuid::Uuid, Path), ("file" = String, Path, description = "As `files` names it")),
    responses((status = 200, description = "The file.", content((String = "text/csv"), (crate::openapi::Binary = "application/vnd.apache.parquet"))), (status = 404, description = "`REPLAY_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn fetch_replay(
    State(app): State<App>,
    caller: Caller<RunReplays>,
    Path2(id, file): Path2,
) -> Result<Response> {
    let id = reading::id(&id, REPLAY)?;
    let replay = find(&app, &caller, id).await?;
    let wanted = |known: &&ReplayFile| format!("{}.{}", known.table, replay.format) == file;
    let known = replay.files.iter().find(wanted);
    let table = known.ok_or_else(|| problem::Problem::not_found(REPLAY))?.table.clone();
    let chunks = futures::stream::try_unfold((app, 0), move |(app, number)| {
        let table = table.clone();
        async move {
            let chunk = replays::chunk(app.platform.log.pool(), id, &table, number).await?;
            Ok::<_, licet_event_store::StoreError>(chunk.map(|bytes| (bytes, (app, number + 1))))
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let kind = if replay.format == "csv" {
        "text/csv; charset=utf-8"
    } else {
        "application/vnd.apache.parquet"
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
