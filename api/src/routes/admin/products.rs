//! `/api/admin/products`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::product::{NewProduct, ProductChanges, ProductView};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{api_key::Scope, product::Product};
use licet_projections::resources;

use super::reading::{self, AsOfQuery, HistoryQuery, ListQuery};
use crate::{
    App,
    auth::{Caller, if_match},
    extract::{Json, Path, Query},
    freshness, idempotency,
    problem::{Result, unavailable},
    render,
    reply::{self, Reply},
};

fn reply(view: &ProductView) -> Reply {
    let shown = render::product(view);
    Reply::of(("products", &shown.id), &shown, &render::product_editable(view))
}

/// Take up a product.
#[utoipa::path(post, path = "/api/admin/products", tag = "products", request_body = admin::CreateProduct,
    responses((status = 201, description = "Taken up.", body = admin::Product),
        (status = 409, description = "`PRODUCT_CODE_TAKEN`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateProduct>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_product", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let new = NewProduct {
                code: value.code,
                name: value.name,
                version_scheme: value.version_scheme,
            };
            let done = app
                .platform
                .create_product(&context, new, &|view| reply(view).kept())
                .await?;
            Ok(reply::answer(&done, StatusCode::CREATED, reply))
        },
    )
    .await
}

/// List products, by time of creation.
#[utoipa::path(get, path = "/api/admin/products", tag = "products",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Product>)), security(("api_key" = [])))]
pub(crate) async fn list_products(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let request = query.request()?;
    let page = resources::list::<Product>(&app.reader, &app.tenant, None, &request)
        .await
        .map_err(unavailable)?;
    Ok(reading::page(page, |row| {
        ProductView::try_from(&row.state)
            .ok()
            .map(|view| render::product(&view))
    }))
}

/// Read a product, now or as it was.
#[utoipa::path(get, path = "/api/admin/products/{id}", tag = "products",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The product.", body = admin::Product), (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, "product")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.products, id).await?;
    let view = ProductView::try_from(&state.state)?;
    Ok(reply(&view).answer(StatusCode::OK, state.position))
}

/// Change a product.
#[utoipa::path(patch, path = "/api/admin/products/{id}", tag = "products", request_body = admin::EditProduct,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Product), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem), (status = 422, description = "`VERSION_INVALID`", body = Problem),
        (status = 409, description = "`PRODUCT_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditProduct>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "product")?, if_match(&headers)?);
    let unchanged = |view: &ProductView| render::matches(&tag, &render::product_editable(view));
    let changes = ProductChanges {
        name: value.name,
        version_scheme: value.version_scheme,
        min_version: value.min_version,
    };
    let done = app
        .platform
        .edit_product(&caller.context(&app, None), id, changes, &unchanged, &|view| {
            reply(view).kept()
        })
        .await?;
    Ok(reply::answer(&done, StatusCode::OK, reply))
}

/// Take a product out of use.
#[utoipa::path(delete, path = "/api/admin/products/{id}", tag = "products", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "product")?, if_match(&headers)?);
    let unchanged = |view: &ProductView| render::matches(&tag, &render::product_editable(view));
    let done = app
        .platform
        .retire_product(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

/// Read a product's history.
#[utoipa::path(get, path = "/api/admin/products/{id}/events", tag = "products", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn product_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history::<Product>(&app, &caller, &query, (&id, "product")).await
}
