//! `/api/admin/signing-keys`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Page, admin::SigningKey};
use licet_domain::{
    operation::{OperationEvent, SigningKeyMade},
    permission::needed::{ReadSigningKeys, WriteSigningKeys},
};
use licet_event_store::RingKey;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Caller, guarded},
    extract::OptionalJson,
    idempotency,
    problem::Result,
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(list_signing_keys, rotate_signing_key))
}

fn shape(app: &App, key: &RingKey) -> SigningKey {
    let current = app.signer().kid() == key.signer.kid();
    SigningKey {
        kid: key.signer.kid().to_owned(),
        created_at: key.created_at.to_string(),
        signs: current,
    }
}

/// List the keys that sign leases, answers and checkpoints, newest first.
#[utoipa::path(get, path = "/api/admin/signing-keys", tag = "trust", operation_id = "list_signing_keys",
    responses((status = 200, description = "All of them verify; one signs.", body = Page<SigningKey>)), security(("api_key" = [])))]
pub(crate) async fn list_signing_keys(State(app): State<App>, _: Caller<ReadSigningKeys>) -> Result<Response> {
    let keys = app.keyring.all();
    let items: Vec<SigningKey> = keys.iter().map(|key| shape(&app, key)).collect();
    let page = Page {
        total: items.len() as i64,
        total_exact: true,
        next_cursor: None,
        items,
    };
    Ok(render::answer(StatusCode::OK, render::json(&page), &[]))
}

/// Make a new signing key. It is published at once and signs after five seconds; the old ones go on verifying.
#[utoipa::path(post, path = "/api/admin/signing-keys", tag = "trust", operation_id = "rotate_signing_key",
    responses((status = 201, description = "The new key.", body = SigningKey)), security(("api_key" = [])))]
pub(crate) async fn rotate_signing_key(
    State(app): State<App>,
    caller: Caller<WriteSigningKeys>,
    headers: HeaderMap,
    OptionalJson { bytes, .. }: OptionalJson<serde_json::Value>,
) -> Result<Response> {
    let about = ("RotateSigningKey", &bytes[..], StatusCode::CREATED);
    let (answer, _) = idempotency::once_outside_log(&app, &caller, &headers, about, || async {
        let key = app.keyring.rotate().await?;
        let (context, kid) = (caller.context(&app, None), key.signer.kid().to_owned());
        tracing::info!(kid, by = caller.name(), "made a new signing key");
        let made = OperationEvent::SigningKeyMade(SigningKeyMade {
            kid: kid.clone(),
            at: context.now,
        });
        // Before it signs, which it does in some seconds: a crash in between leaves a key that is published and named
        // nowhere else.
        app.platform.record_operation(&context, &kid, &made).await?;
        Ok(render::json(&shape(&app, &key)))
    })
    .await?;
    Ok(answer)
}
