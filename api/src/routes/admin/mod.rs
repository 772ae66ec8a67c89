//! What operators' scripts call: plain REST, one file for each kind of resource, each with its routes.

mod activations;
mod actors;
mod anomalies;
mod api_keys;
mod audit;
mod backups;
mod blocked_addresses;
mod customer_overview;
mod customers;
mod deliveries;
mod licenses;
mod live;
mod mails;
mod operators;
mod permissions;
mod policies;
mod products;
mod reading;
mod releases;
mod replays;
mod resource;
mod search;
pub(crate) mod sessions;
mod signing_keys;
mod simulate;
mod tags;
mod verification;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

pub(crate) use permissions::Routes;
pub(crate) use reading::ListQuery;

use crate::App;

/// The routes of every resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let all: [fn() -> OpenApiRouter<App>; 25] = [
        activations::routes,
        anomalies::routes,
        api_keys::routes,
        audit::routes,
        backups::routes,
        blocked_addresses::routes,
        customer_overview::routes,
        customers::routes,
        deliveries::routes,
        licenses::routes,
        live::routes,
        mails::routes,
        operators::routes,
        permissions::routes,
        policies::routes,
        products::routes,
        releases::routes,
        replays::routes,
        search::routes,
        sessions::routes,
        signing_keys::routes,
        simulate::routes,
        tags::routes,
        verification::routes,
        webhooks::routes,
    ];
    all.iter()
        .fold(OpenApiRouter::new(), |router, routes| router.merge(routes()))
}
