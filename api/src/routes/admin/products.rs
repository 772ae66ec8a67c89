//! `/api/admin/products`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::product::{NewProduct, ProductChanges};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    permission::needed::{ReadProducts, WriteProducts},
    product::Product,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    reading::{AsOfQuery, HistoryQuery, ListQuery, NamedQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Json, Path, Query},
    problem::Result,
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_product, list_products))
        .routes(guarded!(read_product, edit_product, retire_product))
        .routes(guarded!(product_events))
}

impl Shown for Product {
    type Shape = admin::Product;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<admin::Product> {
        let product = self.facts()?;
        Some(admin::Product {
            id: product.id.to_string(),
            code: product.code.to_string(),
            name: product.name.as_str().to_owned(),
            version_scheme: product.version_scheme.as_str().to_owned(),
            min_version: product.min_version.as_ref().map(ToString::to_string),
            status: render::status(self.is_retired()),
            created_at: product.created_at.to_string(),
        })
    }
}

/// Take up a product.
#[utoipa::path(post, path = "/api/admin/products", tag = "products", request_body = admin::CreateProduct,
    responses((status = 201, description = "Taken up.", body = admin::Product),
        (status = 409, description = "`PRODUCT_CODE_TAKEN`", body = Problem),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_product(
    State(app): State<App>,
    caller: Caller<WriteProducts>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateProduct>,
) -> Result<Response> {
    resource::create(&app, &caller, (&headers, &bytes), async |context| {
        let new = NewProduct {
            code: value.code,
            name: value.name,
            version_scheme: value.version_scheme,
        };
        app.platform.create_product(&context, new, &resource::kept).await
    })
    .await
}

/// List products, by time of creation.
#[utoipa::path(get, path = "/api/admin/products", tag = "products",
    params(ListQuery, NamedQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Product>)), security(("api_key" = [])))]
pub(crate) async fn list_products(
    State(app): State<App>,
    caller: Caller<ReadProducts>,
    headers: HeaderMap,
    Query(query, named): Query<ListQuery, NamedQuery>,
) -> Result<Response> {
    resource::list_named::<Product>(&app, &caller, &headers, query.request()?, &named).await
}

/// Read a product, now or as it was.
#[utoipa::path(get, path = "/api/admin/products/{id}", tag = "products",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The product.", body = admin::Product), (status = 404, description = "`PRODUCT_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_product(
    State(app): State<App>,
    caller: Caller<ReadProducts>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Product>(&app, &caller, &query, &id).await
}

/// Change a product.
#[utoipa::path(patch, path = "/api/admin/products/{id}", tag = "products", request_body = admin::EditProduct,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Product), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem), (status = 422, description = "`VERSION_INVALID`", body = Problem),
        (status = 409, description = "`PRODUCT_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_product(
    State(app): State<App>,
    caller: Caller<WriteProducts>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditProduct>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Product>(&id, &headers)?;
    let context = caller.context(&app, None);
    let changes = ProductChanges {
        name: value.name,
        version_scheme: value.version_scheme,
        min_version: value.min_version,
    };
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .edit_product(&context, id, changes, &unchanged, &resource::kept)
        .await?;
    resource::answer(&done, StatusCode::OK)
}

/// Take a product out of use.
#[utoipa::path(delete, path = "/api/admin/products/{id}", tag = "products", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_product(
    State(app): State<App>,
    caller: Caller<WriteProducts>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<Product>(&app, &caller, &headers, &id).await
}

/// Read a product's history.
#[utoipa::path(get, path = "/api/admin/products/{id}/events", tag = "products", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn product_events(
    State(app): State<App>,
    caller: Caller<ReadProducts>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Product>(&app, &caller, &query, &id).await
}
