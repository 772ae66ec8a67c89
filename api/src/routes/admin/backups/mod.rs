//! `/api/admin/backups`: which there are, and what is done about them.

mod download;
mod runs;

use axum::{extract::State, http::StatusCode, response::Response};
use licet_contracts::{
    Page, Problem as Refusal,
    admin::{Backup, BackupPlan},
};
use licet_domain::{
    operation::{BackupDeleted, OperationEvent},
    permission::needed::{DeleteBackups, ReadBackups},
    values::Timestamp,
};
use licet_event_store::{
    Tenant,
    backup::{self, BackupError, BackupManifest, BackupStore},
};
use licet_projections::Total;
use licet_workers::backup::BackupSettings;
use time::OffsetDateTime;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Path, Query},
    problem::{BACKUP, Problem, Result, unavailable},
    render,
    routes::admin::reading::{self, PageQuery},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(list_backups, runs::create_backup))
        .routes(guarded!(read_backup_plan))
        .routes(guarded!(runs::list_backup_runs))
        .routes(guarded!(runs::read_backup_run))
        .routes(guarded!(read_backup, delete_backup))
        .routes(guarded!(runs::verify_backup))
        .routes(guarded!(runs::drill_restore))
        .routes(guarded!(download::download_backup))
}

/// Where backups go. A backup holds every tenant's data: it is the first one's matter alone.
fn settings<'a>(app: &'a App, caller: &Principal) -> Result<&'a BackupSettings> {
    let own = caller.tenant == Tenant::default();
    app.settings.backups.as_ref().filter(|_| own).ok_or_else(|| {
        let detail = "This server has no place for backups: set BACKUP_STORE to a folder or a bucket (docs/BACKUP.md).";
        Problem::new(StatusCode::CONFLICT, "BACKUPS_NOT_SET_UP", detail)
    })
}

/// A backup's name; what could not be one names nothing, whatever lies in the store.
fn id(text: &str) -> Result<String> {
    let fits = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_digit() || b"TZ-".contains(&byte));
    fits.then(|| text.to_owned()).ok_or_else(|| Problem::not_found(BACKUP))
}

/// A backup that is there and signed.
async fn find(settings: &BackupSettings, text: &str) -> Result<(BackupStore, BackupManifest)> {
    let id = id(text)?;
    let store = settings.store()?;
    let manifest = store.manifest(&id, &settings.keys).await?;
    Ok((store, manifest))
}

fn shape(
    found: std::result::Result<BackupManifest, (String, BackupError)>,
    verified: Option<OffsetDateTime>,
) -> Backup {
    let (id, fault, manifest) = match found {
        Ok(manifest) => (manifest.id.clone(), None, Some(manifest)),
        Err((id, error)) => (id, Some(error.to_string()), None),
    };
    let manifest = manifest.as_ref();
    Backup {
        id,
        fault,
        taken_at: manifest.map(|one| one.taken_at.to_string()),
        position: manifest.map(|one| one.position),
        recorded_at: manifest.map(|one| one.recorded_at.to_string()),
        events: manifest.map(BackupManifest::events),
        files: manifest.map(|one| one.files.len() as i64),
        bytes: manifest.map(|one| one.bytes().cast_signed()),
        program: manifest.map(|one| one.program.clone()),
        verified_at: verified.map(|at| Timestamp::from(at).to_string()),
    }
}

/// List the backups in the store, newest first. They lie there and not in the database: those of before a restore too.
#[utoipa::path(get, path = "/api/admin/backups", tag = "backups", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<Backup>)), security(("api_key" = [])))]
pub(crate) async fn list_backups(
    State(app): State<App>,
    caller: Caller<ReadBackups>,
    Query(page, _): Query<PageQuery>,
) -> Result<Response> {
    let settings = settings(&app, &caller)?;
    let store = settings.store()?;
    let mut ids = store.ids().await?;
    let total = Total::counted(ids.len() as i64, true);
    ids.reverse();
    if let Some(after) = page.after(|text| id(text).ok())? {
        ids.retain(|id| *id < after);
    }
    let limit = page.limit();
    ids.truncate(usize::try_from(limit + 1).unwrap_or(usize::MAX));
    let verified = backup::verified_at(app.platform.log.report_pool(), &ids).await;
    let verified = verified.map_err(unavailable)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let verified = verified.get(&id).copied();
        match store.manifest(&id, &settings.keys).await {
            // Deleted meanwhile.
            Err(BackupError::NotFound { .. }) => {}
            manifest => found.push(shape(manifest.map_err(|error| (id, error)), verified)),
        }
    }
    Ok(reading::slice(found, limit, total, |one| one.id.clone(), |one| one))
}

/// Read what is done about backups without being asked.
#[utoipa::path(get, path = "/api/admin/backups/plan", tag = "backups",
    responses((status = 200, description = "Where they go, how often they are made and tried, and which are kept.", body = BackupPlan)), security(("api_key" = [])))]
pub(crate) async fn read_backup_plan(State(app): State<App>, caller: Caller<ReadBackups>) -> Result<Response> {
    let settings = settings(&app, &caller)?;
    let hours = |every: std::time::Duration| (every.as_secs() / 3600).cast_signed();
    let schedule = settings.schedule;
    let plan = BackupPlan {
        location: settings.location.to_string(),
        every_hours: schedule.map(|schedule| hours(schedule.every)),
        verify_every_hours: schedule.and_then(|schedule| schedule.verify_every).map(hours),
        keep_last: schedule.map(|schedule| schedule.keep.last as i64),
        keep_days: schedule.map(|schedule| schedule.keep.days as i64),
    };
    Ok(render::answer(StatusCode::OK, render::json(&plan), &[]))
}

/// Read one backup.
#[utoipa::path(get, path = "/api/admin/backups/{id}", tag = "backups", params(("id" = String, Path)),
    responses((status = 200, description = "The backup.", body = Backup), (status = 404, description = "`BACKUP_NOT_FOUND`", body = Refusal),
        (status = 409, description = "`BACKUP_DAMAGED`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn read_backup(
    State(app): State<App>,
    caller: Caller<ReadBackups>,
    Path(id): Path,
) -> Result<Response> {
    let (_, manifest) = find(settings(&app, &caller)?, &id).await?;
    let ids = [manifest.id.clone()];
    let verified = backup::verified_at(app.platform.log.report_pool(), &ids).await;
    let verified = verified.map_err(unavailable)?.remove(&manifest.id);
    let shape = shape(Ok(manifest), verified);
    Ok(render::answer(StatusCode::OK, render::json(&shape), &[]))
}

/// Delete a backup, a damaged one too, and the files that no other one has.
#[utoipa::path(delete, path = "/api/admin/backups/{id}", tag = "backups", params(("id" = String, Path)),
    responses((status = 204, description = "Gone."), (status = 404, description = "`BACKUP_NOT_FOUND`", body = Refusal),
        (status = 409, description = "`BACKUP_BUSY`; `BACKUP_DAMAGED` where another one is, of which nobody knows what it needs", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn delete_backup(
    State(app): State<App>,
    caller: Caller<DeleteBackups>,
    Path(text): Path,
) -> Result<Response> {
    let settings = settings(&app, &caller)?;
    let (store, id) = (settings.store()?, id(&text)?);
    if !store.ids().await?.contains(&id) {
        return Err(Problem::not_found(BACKUP));
    }
    let context = caller.context(&app, None);
    let deleted = OperationEvent::BackupDeleted(BackupDeleted {
        backup_id: id.clone(),
        at: context.now,
    });
    // Before it goes: a crash in between leaves a backup that can be deleted again.
    let position = app.platform.record_operation(&context, &id, &deleted).await?;
    backup::prune(&app.platform.log, (&store, &settings.keys), &[id]).await?;
    let headers = [render::position(position)];
    Ok(render::answer(StatusCode::NO_CONTENT, String::new(), &headers))
}
