//! `/api/admin/customers`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::customer::{CustomerChanges, CustomerView, NewCustomer};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{api_key::Scope, customer::Customer};
use licet_projections::resources;
use uuid::Uuid;

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

fn reply(view: &CustomerView) -> Reply {
    let shown = render::customer(view);
    Reply::of(("customers", &shown.id), &shown, &render::customer_editable(view))
}

/// Take up a customer.
#[utoipa::path(post, path = "/api/admin/customers", tag = "customers", request_body = admin::CreateCustomer,
    responses((status = 201, description = "Taken up.", body = admin::Customer),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_customer(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateCustomer>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    idempotency::once(
        &app,
        &caller,
        &headers,
        ("create_customer", &bytes, StatusCode::CREATED),
        |context| async {
            let context = context;
            let new = NewCustomer {
                name: value.name,
                email: value.email,
                company: value.company,
            };
            let done = app
                .platform
                .create_customer(&context, new, &|view| reply(view).kept())
                .await?;
            Ok(reply::answer(&done, StatusCode::CREATED, reply))
        },
    )
    .await
}

/// List customers, by time of creation.
#[utoipa::path(get, path = "/api/admin/customers", tag = "customers",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Customer>)), security(("api_key" = [])))]
pub(crate) async fn list_customers(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    caller.require(&app, Scope::Read)?;
    freshness::of_read_model(&app, &headers, "resources").await?;
    let request = query.request()?;
    let page = resources::list::<Customer>(&app.reader, &app.tenant, None, &request)
        .await
        .map_err(unavailable)?;
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
    let people = app.platform.person_sealers(&app.tenant, &ids).await?;
    let mut shown = Vec::with_capacity(ids.len());
    for row in &page.items {
        shown.push(render::customer(&CustomerView::open(&row.state, people.get(&row.id))?));
    }
    let mut shown = shown.into_iter();
    Ok(reading::page(page, |_| shown.next()))
}

/// Read a customer, now or as it was.
#[utoipa::path(get, path = "/api/admin/customers/{id}", tag = "customers",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The customer.", body = admin::Customer), (status = 404, description = "`CUSTOMER_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_customer(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, "customer")?;
    let state = reading::state(&app, &caller, (&headers, &query), &app.platform.customers, id).await?;
    if state.state.facts().is_none() {
        return Err(crate::problem::Problem::not_found("customer"));
    }
    let sealer = app.platform.person_sealer(&app.tenant, id).await?;
    let view = CustomerView::open(&state.state, sealer.as_ref())?;
    Ok(reply(&view).answer(StatusCode::OK, state.position))
}

/// Change a customer.
#[utoipa::path(patch, path = "/api/admin/customers/{id}", tag = "customers", request_body = admin::EditCustomer,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Customer), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem),
        (status = 409, description = "`CUSTOMER_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_customer(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditCustomer>,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "customer")?, if_match(&headers)?);
    let unchanged = |view: &CustomerView| render::matches(&tag, &render::customer_editable(view));
    let changes = CustomerChanges {
        name: value.name,
        email: value.email,
        company: value.company,
    };
    let done = app
        .platform
        .edit_customer(&caller.context(&app, None), id, changes, &unchanged, &|view| {
            reply(view).kept()
        })
        .await?;
    Ok(reply::answer(&done, StatusCode::OK, reply))
}

/// Take a customer out of use.
#[utoipa::path(delete, path = "/api/admin/customers/{id}", tag = "customers", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_customer(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    caller.require(&app, Scope::Admin)?;
    let (id, tag) = (reading::id(&id, "customer")?, if_match(&headers)?);
    let unchanged = |view: &CustomerView| render::matches(&tag, &render::customer_editable(view));
    let done = app
        .platform
        .retire_customer(&caller.context(&app, None), id, &unchanged)
        .await?;
    Ok(render::answer(
        StatusCode::NO_CONTENT,
        String::new(),
        &[render::position(done.position)],
    ))
}

/// Read a customer's history.
#[utoipa::path(get, path = "/api/admin/customers/{id}/events", tag = "customers", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn customer_events(
    State(app): State<App>,
    caller: Caller,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    reading::history::<Customer>(&app, &caller, &query, (&id, "customer")).await
}
