//! `GET /api/admin/backups/{id}/download`

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use futures::StreamExt as _;
use licet_contracts::Problem as Refusal;
use licet_domain::{
    operation::{BackupDownloaded, OperationEvent},
    permission::needed::WriteBackups,
};

use super::{find, settings};
use crate::{App, auth::Caller, extract::Path, problem::Result};

/// Fetch a backup in one piece: a tar that is a store of its own once it is unpacked, for `licet backup restore
/// --backup-store`. All of it is sealed; it opens with `SECRET_KEY` alone. Where a file of it is not what was written, the
/// answer breaks off.
#[utoipa::path(get, path = "/api/admin/backups/{id}/download", tag = "backups", params(("id" = String, Path)),
    responses((status = 200, description = "The files.", content((crate::openapi::Binary = "application/x-tar"))), (status = 404, description = "`BACKUP_NOT_FOUND`", body = Refusal),
        (status = 409, description = "`BACKUP_DAMAGED`", body = Refusal)), security(("api_key" = [])))]
pub(crate) async fn download_backup(
    State(app): State<App>,
    caller: Caller<WriteBackups>,
    Path(id): Path,
) -> Result<Response> {
    let (store, manifest) = find(settings(&app, &caller)?, &id).await?;
    let bundle = store.bundle(&manifest).await?;
    let context = caller.context(&app, None);
    let downloaded = OperationEvent::BackupDownloaded(BackupDownloaded {
        backup_id: manifest.id.clone(),
        at: context.now,
    });
    app.platform
        .record_operation(&context, &manifest.id, &downloaded)
        .await?;
    let chunks = futures::stream::unfold(bundle.chunks, |mut chunks| async {
        chunks.recv().await.map(|chunk| (chunk, chunks))
    });
    let broken = |error: &std::io::Error| tracing::error!(%error, "a backup could not be read while it was fetched");
    let chunks = chunks.inspect(move |chunk| {
        if let Err(error) = chunk {
            broken(error);
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    headers.insert(header::CONTENT_LENGTH, bundle.bytes.into());
    let name = format!("attachment; filename=\"licet-backup-{}.tar\"", manifest.id);
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
