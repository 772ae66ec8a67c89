//! The route table: every route in one place, each with its OpenAPI description.

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Role, envelope,
    openapi::{self, Document},
    problem::Problem,
    routes::{admin, license, probes, version, well_known},
};

/// The server's routes, for the roles that this process has.
pub(crate) fn router(app: App) -> Router {
    let mut document = OpenApiRouter::with_openapi(openapi::base())
        .merge(probe_routes())
        .merge(trust_routes());
    let has = |role| app.settings.roles.contains(&role);
    if has(Role::Client) {
        document = document.merge(license_routes());
    }
    if has(Role::Admin) {
        document = document.merge(admin_routes());
    }
    let (router, description) = document.split_for_parts();
    let description = Document::of(&description);
    let parameters = description.parameters();
    router
        .route("/api/openapi.json", get(move || async move { description.answer() }))
        .route("/api/docs", get(|| async { Html(include_str!("docs.html")) }))
        .fallback(async || Problem::not_found("route"))
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
        .routes(routes!(license::activate::activate_license))
        .routes(routes!(license::verify::verify_license))
        .routes(routes!(license::info::license_info))
        .routes(routes!(license::deactivate::deactivate_license))
        .routes(routes!(license::transfer::transfer_license))
        .routes(routes!(license::heartbeat::heartbeat))
        .routes(routes!(license::revocations::list_revocations))
        .routes(routes!(version::check::check_version))
        .routes(routes!(version::latest::latest_version))
}

fn admin_routes() -> OpenApiRouter<App> {
    use admin::{
        anomalies, api_keys, audit, customers, deliveries, licenses, mails, policies, products, releases, replays,
        signing_keys, simulate, webhooks,
    };
    OpenApiRouter::new()
        .routes(routes!(products::create_product, products::list_products))
        .routes(routes!(
            products::read_product,
            products::edit_product,
            products::retire_product
        ))
        .routes(routes!(products::product_events))
        .routes(routes!(policies::create_policy, policies::list_policies))
        .routes(routes!(
            policies::read_policy,
            policies::edit_policy,
            policies::retire_policy
        ))
        .routes(routes!(policies::policy_events))
        .routes(routes!(simulate::simulate_policy))
        .routes(routes!(customers::create_customer, customers::list_customers))
        .routes(routes!(
            customers::read_customer,
            customers::edit_customer,
            customers::retire_customer
        ))
        .routes(routes!(customers::customer_events))
        .routes(routes!(
            licenses::create::create_licenses,
            licenses::read::list_licenses
        ))
        .routes(routes!(
            licenses::read::read_license,
            licenses::edit::edit_license,
            licenses::edit::retire_license
        ))
        .routes(routes!(licenses::read::license_events))
        .routes(routes!(licenses::activations::list_activations))
        .routes(routes!(licenses::check_out::check_out_license))
        .routes(routes!(licenses::seats::transfer_seat))
        .routes(routes!(licenses::seats::deactivate_seat))
        .routes(routes!(licenses::usage::list_heartbeats))
        .routes(routes!(licenses::usage::license_activity))
        .routes(routes!(licenses::usage::license_feature_usage))
        .routes(routes!(licenses::usage::license_meters))
        .routes(routes!(licenses::usage::license_usage_stats))
        .routes(routes!(licenses::usage::list_decisions))
        .routes(routes!(licenses::true_up::license_true_up))
        .routes(routes!(replays::create_replay))
        .routes(routes!(replays::read_replay))
        .routes(routes!(replays::fetch_replay))
        .routes(routes!(licenses::change::suspend_license))
        .routes(routes!(licenses::change::resume_license))
        .routes(routes!(licenses::change::revoke_license))
        .routes(routes!(licenses::change::renew_license))
        .routes(routes!(licenses::change::reveal_license_key))
        .routes(routes!(releases::create_release, releases::list_releases))
        .routes(routes!(
            releases::read_release,
            releases::roll_out_release,
            releases::yank_release
        ))
        .routes(routes!(releases::release_events))
        .routes(routes!(api_keys::create_api_key, api_keys::list_api_keys))
        .routes(routes!(api_keys::read_api_key, api_keys::revoke_api_key))
        .routes(routes!(api_keys::rotate_api_key))
        .routes(routes!(api_keys::api_key_events))
        .routes(routes!(webhooks::create_webhook, webhooks::list_webhooks))
        .routes(routes!(
            webhooks::read_webhook,
            webhooks::edit_webhook,
            webhooks::retire_webhook
        ))
        .routes(routes!(webhooks::webhook_events))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(deliveries::resend_delivery))
        .routes(routes!(deliveries::replay_webhook))
        .routes(routes!(deliveries::test_webhook))
        .routes(routes!(mails::list_mails))
        .routes(routes!(mails::resend_mail))
        .routes(routes!(anomalies::list_anomalies))
        .routes(routes!(anomalies::rerun_anomalies))
        .routes(routes!(anomalies::read_anomaly))
        .routes(routes!(anomalies::anomaly_events))
        .routes(routes!(anomalies::acknowledge_anomaly))
        .routes(routes!(anomalies::dismiss_anomaly))
        .routes(routes!(anomalies::reopen_anomaly))
        .routes(routes!(audit::list_audit))
        .routes(routes!(
            signing_keys::list_signing_keys,
            signing_keys::rotate_signing_key
        ))
}
