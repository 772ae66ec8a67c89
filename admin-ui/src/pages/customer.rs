//! `/customers/{id}`: who it is, what it has, and what happened.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use licet_contracts::{
    Page as Rows,
    admin::{Customer, CustomerOverview, License},
};

use super::licenses;
use crate::{
    api::Reply,
    live::live,
    parts::{
        action::{ActionButton, ActionLink, Irreversible},
        edit::{EditForm, Edited, Kind},
        history::History,
        load::{load, section},
        order::Orders,
        show::{Copy, Fact, MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let again = RwSignal::new(0_u32);
    let doing @ [editing, retiring, forgetting] = [(); 3].map(|()| RwSignal::new(false));
    let is_busy = Signal::derive(move || doing.iter().any(Get::get));
    live().watch(id, is_busy, again);
    let path = move || format!("/api/admin/customers/{}", id.get());
    let customer = move || {
        again.get();
        path()
    };
    view! {
        {load(customer, move |reply: Reply<Customer>| view! { <About reply again editing retiring forgetting /> }.into_any())}
        <Overview path=Signal::derive(path) again />
        <Licenses id />
        <History path=Signal::derive(path) refresh=again />
    }
}

#[component]
fn About(
    reply: Reply<Customer>,
    again: RwSignal<u32>,
    editing: RwSignal<bool>,
    retiring: RwSignal<bool>,
    forgetting: RwSignal<bool>,
) -> impl IntoView {
    let customer = reply.value.clone();
    let name = customer
        .name
        .as_deref()
        .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    let (in_use, forgotten) = (customer.status == "active", customer.forgotten);
    let path = format!("/api/admin/customers/{}", customer.id);
    let word = customer.name.as_deref().map(words::plain).unwrap_or_default();
    let orders = Orders::new(again);
    let (retired, etag) = (path.clone(), reply.etag.clone());
    let do_retire = move |()| orders.delete(&retired, Some(&etag), Text::CustomerRetired);
    let do_forget = move |()| orders.post(&format!("{path}/forget"), Text::CustomerForgotten);
    let reply = StoredValue::new(reply);
    view! {
        <Title text=name>
            {in_use.then(|| view! {
                <ActionButton label=Text::Edit permission="customers.write" on_click=move |()| editing.set(true) />
                <ActionButton label=Text::Retire permission="customers.write" class="danger" on_click=move |()| retiring.set(true) />
            })}
            {(!forgotten).then(|| view! {
                <ActionButton label=Text::Forget permission="customers.forget" class="danger" on_click=move |()| forgetting.set(true) />
            })}
        </Title>
        {forgotten.then(|| view! { <p class="notice">{move || t(Text::ForgottenNotice)}</p> })}
        <Irreversible open=retiring title=Text::Retire explanation=Text::RetireCustomerWhy word=word.clone() on_confirm=do_retire />
        <Irreversible open=forgetting title=Text::Forget explanation=Text::ForgetWhy word on_confirm=do_forget />
        <Show
            when=move || editing.get()
            fallback={
                let customer = customer.clone();
                move || {
                    let customer = customer.clone();
                    view! {
                        <dl class="card facts">
                            <Fact name=Text::Status><State code=customer.status /></Fact>
                            <Fact name=Text::Email>{customer.email}</Fact>
                            <Fact name=Text::Company>{customer.company.as_deref().map(words::plain)}</Fact>
                            <Fact name=Text::CreatedAt><Moment time=customer.created_at /></Fact>
                            <Fact name=Text::Id><Copy text=customer.id /></Fact>
                        </dl>
                    }
                }
            }
        >
            {
                let Reply { value: known, etag } = reply.get_value();
                let fields = vec![
                    Edited::new("name", Text::Name, Kind::Text, known.name),
                    Edited::new("email", Text::Email, Kind::Email, known.email),
                    Edited::new("company", Text::Company, Kind::Optional, known.company),
                ];
                view! { <EditForm path=format!("/api/admin/customers/{}", known.id) etag fields again editing /> }
            }
        </Show>
    }
}

/// How it stands, at a glance.
#[component]
fn Overview(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let overview = move || {
        again.get();
        format!("{}/overview", path.get())
    };
    let figure = |name: Text, shown: AnyView| {
        view! { <div class="card figure"><span class="quiet">{move || t(name)}</span><strong>{shown}</strong></div> }
    };
    let shown = move |told: Reply<CustomerOverview>| {
        let told = told.value;
        view! {
            <div class="figures">
                {figure(Text::ActiveLicenses, words::number(told.licenses_by_status.active).into_any())}
                {figure(Text::SuspendedLicenses, words::number(told.licenses_by_status.suspended).into_any())}
                {figure(Text::SeatsInUse, format!("{} / {}", told.active, told.seats).into_any())}
                {figure(Text::LastSeen, view! { <MaybeMoment time=told.last_seen_at /> }.into_any())}
                {figure(Text::OpenAnomalies, view! { <a href="/anomalies">{words::number(told.open_anomalies)}</a> }.into_any())}
            </div>
        }
        .into_any()
    };
    load(overview, shown)
}

/// What it has.
#[component]
fn Licenses(id: Memo<String>) -> impl IntoView {
    let path = move || format!("/api/admin/licenses?limit=50&sort=-created_at&customer_id={}", id.get());
    let columns: Vec<_> = licenses::columns()
        .into_iter()
        .filter(|column| column.always && column.name != Text::Customer)
        .collect();
    let columns = StoredValue::new(columns);
    let shown = move |page: Reply<Rows<License>>| {
        if page.value.items.is_empty() {
            return view! { <p class="quiet">{move || t(Text::NothingYet)}</p> }.into_any();
        }
        view! {
            <div class="scroll"><table>
                <caption class="hidden">{move || t(Text::Licenses)}</caption>
                <thead><tr>{columns.get_value().into_iter().map(|column| view! { <th scope="col">{move || t(column.name)}</th> }).collect_view()}</tr></thead>
                <tbody>{page.value.items.iter().map(|license| view! {
                    <tr>{columns.get_value().into_iter().map(|column| view! { <td>{(column.cell)(license)}</td> }).collect_view()}</tr>
                }).collect_view()}</tbody>
            </table></div>
        }
        .into_any()
    };
    let content = view! {
        <p><ActionLink label=Text::NewLicense permission="licenses.issue" href=Signal::derive(move || format!("/licenses/new?customer={}", id.get())) /></p>
        {load(path, shown)}
    };
    section(Text::Licenses, content.into_any())
}
