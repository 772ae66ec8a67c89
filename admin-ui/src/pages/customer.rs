//! `/customers/{id}`: who it is, what it has, and what happened.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use licet_contracts::{
    Page as Rows,
    admin::{Customer, License},
};
use serde_json::json;

use super::licenses;
use crate::{
    api::{self, Reply},
    parts::{
        failure::FailureNote,
        field::{Field, FormFailure, Refused},
        history::History,
        show::{Copy, Fact, Moment, State},
        title::Title,
        toast::toasts,
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
            <EditForm reply=reply.get_value() again editing />
        </Show>
    }
}

#[component]
fn EditForm(reply: Reply<Customer>, again: RwSignal<u32>, editing: RwSignal<bool>) -> impl IntoView {
    let known = reply.value;
    let given = |text: Option<String>| RwSignal::new(text.unwrap_or_default());
    let (name, email, company) = (given(known.name), given(known.email), given(known.company));
    let (refused, toasts) = (Refused::new(), toasts());
    let (path, etag) = (format!("/api/admin/customers/{}", known.id), reply.etag);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (path, etag) = (path.clone(), etag.clone());
        spawn_local(async move {
            refused.clear();
            let company = Some(company.get_untracked()).filter(|company| !company.trim().is_empty());
            let body = json!({ "name": name.get_untracked(), "email": email.get_untracked(), "company": company });
            match api::patch::<_, Customer>(&path, &etag, &body).await {
                Ok(_) => {
                    toasts.say(t(Text::Saved));
                    editing.set(false);
                    again.update(|count| *count += 1);
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <form class="card" on:submit=submit>
            <FormFailure refused />
            <Field name="name" label=Text::Name value=name refused required=true autofocus=true />
            <Field name="email" label=Text::Email value=email refused kind="email" required=true />
            <Field name="company" label=Text::Company value=company refused />
            <div class="buttons">
                <button type="button" on:click=move |_| editing.set(false)>{move || t(Text::Cancel)}</button>
                <button class="primary" type="submit">{move || t(Text::Save)}</button>
            </div>
        </form>
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
