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
use licet_projections::{ListedBy, customer_directory};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListedUse, Moment, NamedQuery, PageQuery},
    resource::{self, Shown},
};
use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Json, Path, Query},
    freshness, idempotency,
    problem::{Problem as Refusal, Result, unavailable},
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

/// What is shown of a customer besides what its events say in the clear.
#[derive(Debug, Clone, Default)]
pub(crate) struct CustomerExtra {
    /// Who it is; none once it was forgotten.
    person: Option<PersonView>,
    /// How many licenses it has; in lists.
    licenses: Option<u32>,
}

impl Shown for Customer {
    type Shape = admin::Customer;
    type Extra = CustomerExtra;

    async fn extras(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
        _: Option<Moment>,
    ) -> Result<Vec<CustomerExtra>> {
        let ids: Vec<Uuid> = things.iter().map(|(id, _)| *id).collect();
        let people = app.platform.person_sealers(&caller.tenant, &ids).await?;
        let open = |(id, state): &(Uuid, &Self)| {
            let person = CustomerView::open(state, people.get(id))?.person;
            Ok(CustomerExtra { person, licenses: None })
        };
        things.iter().map(open).collect()
    }

    async fn listed(app: &App, caller: &Principal, things: &[(Uuid, &Self)]) -> Result<Vec<CustomerExtra>> {
        let ids: Vec<Uuid> = things.iter().map(|(id, _)| *id).collect();
        let licenses = customer_directory::licenses(&app.reader, &caller.tenant, &ids).await;
        let licenses = licenses.map_err(unavailable)?;
        let mut extras = Self::extras(app, caller, things, None).await?;
        for (id, extra) in ids.iter().zip(&mut extras) {
            extra.licenses = licenses.get(id).and_then(|count| u32::try_from(*count).ok());
        }
        Ok(extras)
    }

    fn shape(&self, extra: &CustomerExtra) -> Option<admin::Customer> {
        let (customer, person) = (self.facts()?, extra.person.as_ref());
        Some(admin::Customer {
            id: customer.id.to_string(),
            name: person.map(|person| person.name.clone()),
            email: person.map(|person| person.email.clone()),
            company: person.and_then(|person| person.company.clone()),
            forgotten: person.is_none(),
            licenses: extra.licenses,
            status: render::status(self.is_retired()),
            created_at: customer.created_at.to_string(),
        })
    }
}

fn reply(view: &CustomerView) -> Result<Reply> {
    let extra = CustomerExtra {
        person: view.person.clone(),
        licenses: None,
    };
    let reply = resource::reply(&view.customer, &extra);
    reply.ok_or_else(|| Refusal::not_found(Customer::KIND))
}

fn kept(view: &CustomerView) -> String {
    reply(view).map(|reply| reply.kept()).unwrap_or_default()
}

/// The order of customers.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
pub(crate) enum CustomerSort {
    #[default]
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameBackwards,
    #[serde(rename = "licenses")]
    FewestLicenses,
    #[serde(rename = "-licenses")]
    MostLicenses,
}

impl CustomerSort {
    fn order(self) -> (ListedBy, bool) {
        match self {
            Self::Oldest => (ListedBy::Creation, false),
            Self::Newest => (ListedBy::Creation, true),
            Self::Name => (ListedBy::Name, false),
            Self::NameBackwards => (ListedBy::Name, true),
            Self::FewestLicenses => (ListedBy::Licenses, false),
            Self::MostLicenses => (ListedBy::Licenses, true),
        }
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CustomerQuery {
    /// What has what was typed in its name, company or mail address: beginnings of words, or words with one typo; case and
    /// accents do not matter. Of more than 10,000, the first that were found.
    #[param(max_length = 200)]
    q: Option<String>,
    /// In use, unless those are asked for that are not.
    #[param(inline)]
    status: Option<ListedUse>,
    /// By when they were taken up, by name, whatever its case and accents, or by how many licenses they have; a minus for
    /// the other way round.
    #[param(inline)]
    sort: Option<CustomerSort>,
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

/// List customers, by time of creation, by name or by how many licenses they have.
#[utoipa::path(get, path = "/api/admin/customers", tag = "customers",
    params(PageQuery, CustomerQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Customer>)), security(("api_key" = [])))]
pub(crate) async fn list_customers(
    State(app): State<App>,
    caller: Caller<ReadCustomers>,
    headers: HeaderMap,
    Query(page, query): Query<PageQuery, CustomerQuery>,
) -> Result<Response> {
    let (by, descending) = query.sort.unwrap_or_default().order();
    match by {
        ListedBy::Name => freshness::of_search(&app, &headers).await?,
        ListedBy::Licenses => freshness::of_license_counts(&app, &headers).await?,
        _ => {}
    }
    let named = NamedQuery {
        q: query.q,
        status: query.status,
    };
    resource::list_named::<Customer>(&app, &caller, &headers, page.request_by(by, descending)?, &named).await
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
    let reply =
        resource::reply(&done.value, &CustomerExtra::default()).ok_or_else(|| Refusal::not_found(Customer::KIND))?;
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
