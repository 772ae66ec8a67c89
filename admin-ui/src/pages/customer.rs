//! `/customers/{id}`: who it is, what it has, and what happened.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use licet_contracts::{
    Page as Rows,
    admin::{Customer, CustomerOverview, License},
};

use super::licenses;
use crate::{
    api::{self, Reply},
    parts::{
        edit::{EditForm, Edited, Kind},
        failure::FailureNote,
        history::History,
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
    let path = move || format!("/api/admin/customers/{}", id.get());
    let customer = LocalResource::new(move || {
        again.get();
        let path = path();
        async move { api::read::<Customer>(&path).await }
    });
    view! {
        <Transition fallback=|| view! { <div class="skeleton tall"></div> }>
            {move || customer.get().map(|answer| match answer {
                Ok(reply) => view! { <About reply again /> }.into_any(),
                Err(failure) => view! { <FailureNote failure retry=move |()| customer.refetch() /> }.into_any(),
            })}
        </Transition>
        <Overview path=Signal::derive(path) again />
        <Licenses id />
        <History path=Signal::derive(path) refresh=again />
    }
}

#[component]
fn About(reply: Reply<Customer>, again: RwSignal<u32>) -> impl IntoView {
    let customer = reply.value.clone();
    let name = customer
        .name
        .as_deref()
        .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    let editing = RwSignal::new(false);
    let reply = StoredValue::new(reply);
    view! {
        <Title text=name>
            <crate::parts::action::ActionButton label=Text::Edit permission="customers.write" on_click=move |()| editing.set(true) />
        </Title>
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
    let overview = LocalResource::new(move || {
        again.get();
        let path = format!("{}/overview", path.get());
        async move { api::get::<CustomerOverview>(&path).await }
    });
    let figure = |name: Text, shown: AnyView| {
        view! { <div class="card figure"><span class="quiet">{move || t(name)}</span><strong>{shown}</strong></div> }
    };
    view! {
        <Transition fallback=|| view! { <div class="skeleton"></div> }>
            {move || overview.get().map(|answer| match answer {
                Ok(told) => view! {
                    <div class="figures">
                        {figure(Text::ActiveLicenses, words::number(told.licenses_by_status.active).into_any())}
                        {figure(Text::SuspendedLicenses, words::number(told.licenses_by_status.suspended).into_any())}
                        {figure(Text::SeatsInUse, format!("{} / {}", told.active, told.seats).into_any())}
                        {figure(Text::LastSeen, view! { <MaybeMoment time=told.last_seen_at /> }.into_any())}
                        {figure(Text::OpenAnomalies, view! { <a href="/anomalies">{words::number(told.open_anomalies)}</a> }.into_any())}
                    </div>
                }.into_any(),
                Err(failure) => view! { <FailureNote failure retry=move |()| overview.refetch() /> }.into_any(),
            })}
        </Transition>
    }
}

/// What it has.
#[component]
fn Licenses(id: Memo<String>) -> impl IntoView {
    let rows = LocalResource::new(move || {
        let path = format!("/api/admin/licenses?limit=50&sort=-created_at&customer_id={}", id.get());
        async move { api::get::<Rows<License>>(&path).await }
    });
    let columns: Vec<_> = licenses::columns()
        .into_iter()
        .filter(|column| column.always && column.name != Text::Customer)
        .collect();
    let columns = StoredValue::new(columns);
    view! {
        <section class="card" aria-label=move || t(Text::Licenses)>
            <h2>{move || t(Text::Licenses)}</h2>
            <p><a class="button" href=move || format!("/licenses/new?customer={}", id.get())>{move || t(Text::NewLicense)}</a></p>
            <Transition fallback=|| view! { <div class="skeleton"></div> }>
                {move || rows.get().map(|answer| match answer {
                    Ok(page) if page.items.is_empty() => view! { <p class="quiet">{move || t(Text::NothingYet)}</p> }.into_any(),
                    Ok(page) => view! {
                        <table>
                            <thead><tr>{columns.get_value().into_iter().map(|column| view! { <th scope="col">{move || t(column.name)}</th> }).collect_view()}</tr></thead>
                            <tbody>{page.items.iter().map(|license| view! {
                                <tr>{columns.get_value().into_iter().map(|column| view! { <td>{(column.cell)(license)}</td> }).collect_view()}</tr>
                            }).collect_view()}</tbody>
                        </table>
                    }.into_any(),
                    Err(failure) => view! { <FailureNote failure retry=move |()| rows.refetch() /> }.into_any(),
                })}
            </Transition>
        </section>
    }
}
