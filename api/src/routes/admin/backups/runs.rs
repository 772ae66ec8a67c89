//! Makes backups and tries them, and tells how far that is.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use licet_contracts::{
    Page, Problem as Refusal,
    admin::{BackupRun, DrillBackup, VerifyBackup},
};
use licet_domain::{
    operation::{BackupRunStarted, OperationEvent},
    permission::needed::{ReadBackups, WriteBackups},
    values::Timestamp,
};
use licet_event_store::{
    AsOf,
    backup::{self, BackupManifest, Creation, RestorePoint, Run, RunKind, RunRow},
};
use licet_workers::backup::{BackupSettings, Depth, noted, verify_aside};
use uuid::Uuid;

use super::{find, settings};
use crate::{
    App,
    auth::{Caller, Principal},
    extract::{MOMENT, OptionalJson, Path, Query, invalid_field},
    idempotency,
    problem::{BACKUP_RUN, Problem, Result, unavailable},
    render,
    routes::admin::reading::{self, PageQuery},
};

fn shape(row: RunRow) -> BackupRun {
    BackupRun {
        id: row.run_id.to_string(),
        status: row.status().to_owned(),
        kind: row.kind,
        backup_id: row.backup,
        step: row.step,
        reached: row.reached,
        goal: row.goal,
        error: row.error,
        events: row.events,
        position: row.position,
        lost: row.lost,
        started_at: Timestamp::from(row.started_at).to_string(),
        finished_at: row.finished_at.map(|at| Timestamp::from(at).to_string()),
    }
}

async fn find_run(app: &App, id: Uuid) -> Result<BackupRun> {
    let row = backup::find_run(app.platform.log.pool(), id)
        .await
        .map_err(unavailable)?;
    row.map(shape).ok_or_else(|| Problem::not_found(BACKUP_RUN))
}

/// Begins what goes on after the answer, once for each `Idempotency-Key`; the answer says where to ask how far it is.
async fn begin<F: Future<Output = Result<Uuid>> + Send>(
    (app, caller, headers): (&App, &Principal, &HeaderMap),
    about: (&str, &[u8]),
    start: impl FnOnce() -> F + Send,
) -> Result<Response> {
    let about = (about.0, about.1, StatusCode::ACCEPTED);
    let started = || async { Ok(render::json(&find_run(app, start().await?).await?)) };
    let (mut answer, body) = idempotency::once_outside_log(app, caller, headers, about, started).await?;
    if let Ok(run) = serde_json::from_str::<BackupRun>(&body) {
        let (name, value) = render::location("backups/runs", &run.id);
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(name, value);
        }
        // Seconds.
        let soon = HeaderValue::from_static("1");
        answer.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    Ok(answer)
}

/// Writes down who asked for a run.
async fn record(app: &App, caller: &Principal, run_id: Uuid, what: (RunKind, Option<&str>)) -> Result<()> {
    let (context, (kind, about)) = (caller.context(app, None), what);
    let started = OperationEvent::BackupRunStarted(BackupRunStarted {
        run_id,
        kind: kind.as_str().to_owned(),
        backup_id: about.map(str::to_owned),
        at: context.now,
    });
    let id = about.map_or_else(|| run_id.to_string(), str::to_owned);
    app.platform.record_operation(&context, &id, &started).await?;
    Ok(())
}

/// Make a backup of everything up to this moment, beside what goes on.
#[utoipa::path(post, path = "/api/admin/backups", tag = "backups",
    responses((status = 202, description = "Running; `Location` tells how far it is, `Retry-After` when to ask.", body = BackupRun),
        (status = 409, description = "`BACKUP_BUSY`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn create_backup(
    State(app): State<App>,
    caller: Caller<WriteBackups>,
    headers: HeaderMap,
    OptionalJson { bytes, .. }: OptionalJson<serde_json::Value>,
) -> Result<Response> {
    let settings = settings(&app, &caller)?.clone();
    let store = settings.store()?;
    begin((&app, &caller, &headers), ("CreateBackup", &bytes), || async {
        let (log, edge) = (app.platform.log.clone(), app.platform.edge.clone());
        let creation = Creation::begin(&log, &edge).await?;
        let id = creation.id();
        record(&app, &caller, id, (RunKind::Create, None)).await?;
        tokio::spawn(async move {
            let store = (&store, &settings.keys);
            match creation.finish(store, &edge, false, |_, _| {}).await {
                Ok(made) => tracing::info!(backup = made.id, position = made.position, "a backup was made"),
                Err(error) => tracing::error!(%error, "a backup that was asked for failed"),
            }
        });
        Ok(id)
    })
    .await
}

/// Try a backup: restore all of it where it is in nobody's way, walk the log, fold every read model and compare it with its
/// replay; or only read and open its files. At low priority.
#[utoipa::path(post, path = "/api/admin/backups/{id}/verify", tag = "backups", params(("id" = String, Path)), request_body = Option<VerifyBackup>,
    responses((status = 202, description = "Running; `Location` tells how far it is, `Retry-After` when to ask.", body = BackupRun),
        (status = 404, description = "`BACKUP_NOT_FOUND`", body = Refusal), (status = 409, description = "`BACKUP_BUSY`, `BACKUP_DAMAGED`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn verify_backup(
    State(app): State<App>,
    caller: Caller<WriteBackups>,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { value, bytes }: OptionalJson<VerifyBackup>,
) -> Result<Response> {
    let settings = settings(&app, &caller)?;
    let (_, manifest) = find(settings, &id).await?;
    let what = if value.files_only {
        (RunKind::Files, Depth::Files)
    } else {
        (RunKind::Verify, Depth::Restored(RestorePoint::Whole))
    };
    let about = format!("VerifyBackup/{id}");
    let start = || attempt(&app, &caller, settings, (&manifest, what));
    begin((&app, &caller, &headers), (&about, &bytes), start).await
}

/// Practice a restore, as of any moment in a backup: it tells how long that takes, and how much would be lost. What was
/// restored is looked over and thrown away.
#[utoipa::path(post, path = "/api/admin/backups/{id}/restore-drill", tag = "backups", params(("id" = String, Path)), request_body = Option<DrillBackup>,
    responses((status = 202, description = "Running; `Location` tells how far it is, `Retry-After` when to ask.", body = BackupRun),
        (status = 404, description = "`BACKUP_NOT_FOUND`", body = Refusal), (status = 409, description = "`BACKUP_BUSY`, `BACKUP_DAMAGED`", body = Refusal),
        (status = 422, description = "`BACKUP_OUT_OF_REACH`, `VALIDATION_FAILED`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn drill_restore(
    State(app): State<App>,
    caller: Caller<WriteBackups>,
    headers: HeaderMap,
    Path(id): Path,
    OptionalJson { value, bytes }: OptionalJson<DrillBackup>,
) -> Result<Response> {
    let settings = settings(&app, &caller)?;
    let (_, manifest) = find(settings, &id).await?;
    let as_of = value.as_of.as_deref().filter(|text| !text.trim().is_empty());
    let point = match as_of.map(str::parse) {
        None => RestorePoint::Whole,
        Some(Ok(AsOf::Position(position))) => RestorePoint::Position(position),
        Some(Ok(AsOf::Time(time))) => RestorePoint::Time(time),
        Some(Err(_)) => return Err(invalid_field("/as_of", MOMENT)),
    };
    backup::expect_reachable(&manifest, point)?;
    let what = (RunKind::Drill, Depth::Restored(point));
    let about = format!("DrillRestore/{id}");
    let start = || attempt(&app, &caller, settings, (&manifest, what));
    begin((&app, &caller, &headers), (&about, &bytes), start).await
}

/// Begins to try a backup, one at a time on each node.
async fn attempt(
    app: &App,
    caller: &Principal,
    settings: &BackupSettings,
    (manifest, (kind, depth)): (&BackupManifest, (RunKind, Depth)),
) -> Result<Uuid> {
    let Ok(place) = Arc::clone(&app.trying_backup).try_acquire_owned() else {
        let detail = "Another backup is being tried on this node at this moment; ask again when that is over.";
        return Err(Problem::new(StatusCode::CONFLICT, "BACKUP_BUSY", detail));
    };
    let (log, id) = (app.platform.log.clone(), manifest.id.clone());
    let run = Run::begin(log.pool(), kind, Some(&id), &app.platform.edge).await?;
    let run_id = run.id;
    record(app, caller, run_id, (kind, Some(&id))).await?;
    let (store, settings, ending) = (settings.store()?, settings.clone(), app.ending.clone());
    tokio::spawn(async move {
        let _place = place;
        let trying = verify_aside(settings, (id.clone(), depth), run.teller(), ending);
        if let Err(error) = noted((&log, run), (&store, &id), trying).await {
            tracing::error!(%error, backup = id, "a backup that was to be tried does not hold, or could not be tried");
        }
    });
    Ok(run_id)
}

/// List what was done about backups, newest first, by hand and by the schedule.
#[utoipa::path(get, path = "/api/admin/backups/runs", tag = "backups", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<BackupRun>)), security(("api_key" = [])))]
pub(crate) async fn list_backup_runs(
    State(app): State<App>,
    caller: Caller<ReadBackups>,
    Query(page, _): Query<PageQuery>,
) -> Result<Response> {
    settings(&app, &caller)?;
    let (pool, limit) = (app.platform.log.report_pool(), page.limit());
    let after = page.after(|text| text.parse().ok())?;
    let rows = backup::runs(pool, after, limit + 1).await.map_err(unavailable)?;
    let most = page.most();
    let counted = backup::count_runs(pool, most).await.map_err(unavailable)?;
    Ok(reading::slice(
        rows,
        limit,
        reading::total(counted, most),
        |row| row.run_id.to_string(),
        shape,
    ))
}

/// Read how far making or trying a backup is, and what came of it.
#[utoipa::path(get, path = "/api/admin/backups/runs/{id}", tag = "backups", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The run.", body = BackupRun), (status = 404, description = "`BACKUP_RUN_NOT_FOUND`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn read_backup_run(
    State(app): State<App>,
    caller: Caller<ReadBackups>,
    Path(id): Path,
) -> Result<Response> {
    settings(&app, &caller)?;
    let run = find_run(&app, reading::id(&id, BACKUP_RUN)?).await?;
    Ok(render::answer(StatusCode::OK, render::json(&run), &[]))
}
