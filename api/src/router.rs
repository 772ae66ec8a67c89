//! The route table: every route with its OpenAPI description, and the permission that its handler's type names.

use axum::{
    Extension, Router,
    http::StatusCode,
    middleware,
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Role,
    auth::guarded,
    browser_app, envelope, list_export,
    openapi::{self, Document},
    problem::Problem,
    routes::{admin, auth, license, probes, version, well_known},
};

/// The server's routes, for the roles that this process has.
pub(crate) fn router(app: App) -> Router {
    let mut document = OpenApiRouter::with_openapi(openapi::base())
        .merge(probe_routes())
        .merge(trust_routes());
    let lists = list_export::Lists::default();
    let has = |role| app.settings.roles.contains(&role);
    if has(Role::Client) {
        document = document.merge(license_routes());
    }
    if has(Role::Admin) {
        let files = middleware::from_fn_with_state(lists.clone(), list_export::answer_file);
        document = document.merge(auth::routes()).merge(admin::routes().layer(files));
    }
    let (router, description) = document.split_for_parts();
    let description = Document::of(&description);
    let (parameters, permissions) = (description.parameters(), description.permissions());
    lists.learn(description.lists());
    let router = if has(Role::Admin) {
        router.fallback(browser_app::serve)
    } else {
        router.fallback(async || Problem::no_route())
    };
    router
        .route("/api/openapi.json", get(move || async move { description.answer() }))
        .route("/api/docs", get(|| async { Html(include_str!("docs.html")) }))
        .layer(Extension(permissions))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(
            (app.clone(), parameters),
            envelope::surround,
        ))
        .with_state(app)
}

async fn method_not_allowed() -> Response {
    let detail = "This route does not have this method; see /api/docs.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).into_response()
}

fn probe_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(probes::healthz))
        .routes(routes!(probes::readyz))
        .routes(routes!(probes::metrics))
}

fn trust_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(well_known::list_keys))
        .routes(routes!(well_known::newest_checkpoint))
}

fn license_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(license::activate::activate_license))
        .routes(guarded!(license::verify::verify_license))
        .routes(guarded!(license::info::license_info))
        .routes(guarded!(license::deactivate::deactivate_license))
        .routes(guarded!(license::transfer::transfer_license))
        .routes(guarded!(license::heartbeat::heartbeat))
        .routes(guarded!(license::revocations::list_revocations))
        .routes(guarded!(version::check::check_version))
        .routes(guarded!(version::latest::latest_version))
}
