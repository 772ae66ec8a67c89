//! `/api/admin/customers`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::customer::{CustomerChanges, CustomerView, NewCustomer, PersonView};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    Resource as _,
    customer::Customer,
    permission::needed::{ForgetCustomers, ReadCustomers, WriteCustomers},
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListQuery, Moment, NamedQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, Path, Query},
    idempotency,
    problem::{Problem as Refusal, Result},
    render,
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_customer, list_customers))
        .routes(guarded!(read_customer, edit_customer, retire_customer))
        .routes(guarded!(forget_customer))
        .routes(guarded!(customer_events))
}

impl Shown for Customer {
    type Shape = admin::Customer;
    /// Who it is; none once it was forgotten.
    type Extra = Option<PersonView>;

    async fn extras(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
        _: Option<Moment>,
    ) -> Result<Vec<Option<PersonView>>> {
        let ids: Vec<Uuid> = things.iter().map(|(id, _)| *id).collect();
        let people = app.platform.person_sealers(&caller.tenant, &ids).await?;
        let open = |(id, state): &(Uuid, &Self)| Ok(CustomerView::open(state, people.get(id))?.person);
        things.iter().map(open).collect()
    }

    fn shape(&self, person: &Option<PersonView>) -> Option<admin::Customer> {
        let (customer, person) = (self.facts()?, person.as_ref());
        Some(admin::Customer {
            id: customer.id.to_string(),
            name: person.map(|person| person.name.clone()),
            email: person.map(|person| person.email.clone()),
            company: person.and_then(|person| person.company.clone()),
            forgotten: person.is_none(),
            status: render::status(self.is_retired()),
            created_at: customer.created_at.to_string(),
        })
    }
}

fn reply(view: &CustomerView) -> Result<Reply> {
    let reply = resource::reply(&view.customer, &view.person);
    reply.ok_or_else(|| Refusal::not_found(Customer::KIND))
}

fn kept(view: &CustomerView) -> String {
    reply(view).map(|reply| reply.kept()).unwrap_or_default()
}

/// Take up a customer.
#[utoipa::path(post, path = "/api/admin/customers", tag = "customers", request_body = admin::CreateCustomer,
    responses((status = 201, description = "Taken up.", body = admin::Customer),
        (status = 422, description = "`VALIDATION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_customer(
    State(app): State<App>,
    caller: Caller<WriteCustomers>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateCustomer>,
) -> Result<Response> {
    let about = ("create_customer", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &headers, about, async |context| {
        let new = NewCustomer {
            name: value.name,
            email: value.email,
            company: value.company,
        };
        let done = app.platform.create_customer(&context, new, &kept).await?;
        Ok(reply(&done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await
}

/// List customers, by time of creation.
#[utoipa::path(get, path = "/api/admin/customers", tag = "customers",
    params(ListQuery, NamedQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Customer>)), security(("api_key" = [])))]
pub(crate) async fn list_customers(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    headers: HeaderMap,
    Query(query, named): Query<ListQuery, NamedQuery>,
) -> Result<Response> {
    resource::list_named::<Customer>(&app, &caller, &headers, &query, &named).await
}

/// Read a customer, now or as it was.
#[utoipa::path(get, path = "/api/admin/customers/{id}", tag = "customers",
    params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The customer.", body = admin::Customer), (status = 404, description = "`CUSTOMER_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn read_customer(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Customer>(&app, &caller, &query, &id).await
}

/// Change a customer.
#[utoipa::path(patch, path = "/api/admin/customers/{id}", tag = "customers", request_body = admin::EditCustomer,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Customer), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem),
        (status = 409, description = "`CUSTOMER_RETIRED`", body = Problem),
        (status = 428, description = "`PRECONDITION_REQUIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_customer(
    State(app): State<App>,
    caller: Caller<WriteCustomers>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditCustomer>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Customer>(&id, &headers)?;
    let context = caller.context(&app, None);
    let changes = CustomerChanges {
        name: value.name,
        email: value.email,
        company: value.company,
    };
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .edit_customer(&context, id, changes, &unchanged, &kept)
        .await?;
    Ok(reply(&done.value)?.answer(StatusCode::OK, done.position))
}

/// Take a customer out of use.
#[utoipa::path(delete, path = "/api/admin/customers/{id}", tag = "customers", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use."), (status = 412, description = "`PRECONDITION_FAILED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn retire_customer(
    State(app): State<App>,
    caller: Caller<WriteCustomers>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    resource::retire::<Customer>(&app, &caller, &headers, &id).await
}

/// Forget who a customer is, for ever, and take it out of use: name, address and company, what licenses note about it and
/// what its machines are called, here and in every copy of the log. Its licenses live on.
#[utoipa::path(post, path = "/api/admin/customers/{id}/forget", tag = "customers", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Forgotten.", body = admin::Customer), (status = 404, description = "`CUSTOMER_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn forget_customer(
    State(app): State<App>,
    caller: Caller<ForgetCustomers>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Customer::KIND)?;
    let context = caller.context(&app, None);
    let done = app.platform.forget_customer(&context, id, &|_| String::new()).await?;
    let reply = resource::reply(&done.value, &None).ok_or_else(|| Refusal::not_found(Customer::KIND))?;
    Ok(reply.answer(StatusCode::OK, done.position))
}

/// Read a customer's history.
#[utoipa::path(get, path = "/api/admin/customers/{id}/events", tag = "customers", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn customer_events(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Customer>(&app, &caller, &query, &id).await
}
