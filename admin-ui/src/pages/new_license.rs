//! `/licenses/new`: a sale, with what the chosen policy will mean.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use licet_contracts::{
    Page as Rows,
    admin::{IssuedLicenses, License, Policy},
};
use serde_json::{Value, json};

use crate::{
    api::{self, Reply},
    parts::{
        field::{Choice, Field, FormFailure, Refused},
        load::{load, options, text_of},
        show::Copy,
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let sold = RwSignal::new(Vec::<License>::new());
    view! {
        <Title text=Signal::derive(|| t(Text::NewLicense).to_owned()) />
        {move || if sold.read().is_empty() { view! { <Form sold /> }.into_any() } else { view! { <Sold licenses=sold.get() /> }.into_any() }}
    }
}

#[component]
fn Form(sold: RwSignal<Vec<License>>) -> impl IntoView {
    let query = use_query_map();
    let customer = RwSignal::new(query.read_untracked().get("customer").unwrap_or_default());
    let [policy, seats, count, expires, note] = [(); 5].map(|()| RwSignal::new(String::new()));
    count.set("1".to_owned());
    let refused = Refused::new();
    let newest = options("/api/admin/customers?limit=200&sort=-created_at", named);
    let chosen = customer.get_untracked();
    // Whoever was chosen elsewhere may not be among the newest.
    let chosen = (!chosen.is_empty()).then(|| {
        let path = format!("/api/admin/customers/{chosen}");
        LocalResource::new(move || api::fetch(&path))
    });
    let customers = Signal::derive(move || {
        let mut all: Vec<(String, String)> = newest.get()?;
        if let Some(chosen) = chosen {
            let chosen = chosen.get()?.map(|chosen| chosen.value).unwrap_or_default();
            let chosen: Value = serde_json::from_str(&chosen).unwrap_or_default();
            if all.iter().all(|(id, _)| *id != text_of(&chosen, "id")) {
                all.insert(0, named(&chosen));
            }
        }
        Some(all)
    });
    let policies = options("/api/admin/policies?limit=200", |policy| {
        (text_of(policy, "code"), text_of(policy, "code"))
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let number = |typed: RwSignal<String>| {
                let typed = typed.get_untracked();
                match typed.trim() {
                    "" => Value::Null,
                    text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
                }
            };
            let text = |typed: RwSignal<String>| Some(typed.get_untracked()).filter(|typed| !typed.trim().is_empty());
            let ends = text(expires).map(|day| format!("{day}T23:59:59Z"));
            let body = json!({ "customer_id": customer.get_untracked(), "policy": policy.get_untracked(), "count": number(count),
                "seats": number(seats), "expires_at": ends, "note": text(note) });
            let issued = api::post("/api/admin/licenses", &body).await;
            match issued.and_then(|issued| api::parse::<IssuedLicenses>(&issued.value)) {
                Ok(issued) => sold.set(issued.items),
                Err(failure) => refused.set(failure),
            }
        });
    };
    let effect = load(
        || "/api/admin/policies?limit=200".to_owned(),
        move |page: Reply<Rows<Policy>>| view! { <Effects policies=page.value.items policy seats /> }.into_any(),
    );
    view! {
        <form class="card" on:submit=submit>
            <FormFailure refused />
            <Choice name="customer_id" label=Text::Customer value=customer refused options=customers />
            <p class="hint"><a href="/customers/new">{move || t(Text::NewCustomer)}</a></p>
            <Choice name="policy" label=Text::Policy value=policy refused options=policies />
            {effect}
            <Field name="seats" label=Text::Seats value=seats refused kind="number" hint=Text::SeatsHint />
            <Field name="count" label=Text::Count value=count refused kind="number" />
            <Field name="expires_at" label=Text::ExpiresAt value=expires refused kind="date" hint=Text::ExpiresHint />
            <Field name="note" label=Text::Note value=note refused />
            <div class="buttons">
                <a class="button" href="/licenses">{move || t(Text::Cancel)}</a>
                <button class="primary" type="submit" disabled=move || customers.read().is_none() || policies.read().is_none()>{move || t(Text::IssueLicense)}</button>
            </div>
        </form>
    }
}

/// A customer to choose: its id, and how it is called.
fn named(customer: &Value) -> (String, String) {
    let (name, company) = (text_of(customer, "name"), text_of(customer, "company"));
    let company = (!company.is_empty()).then(|| format!(" · {}", words::plain(&company)));
    let called = format!("{}{}", words::plain(&name), company.unwrap_or_default());
    (text_of(customer, "id"), called)
}

/// What the chosen policy will mean.
#[component]
fn Effects(policies: Vec<Policy>, policy: RwSignal<String>, seats: RwSignal<String>) -> impl IntoView {
    move || {
        let found = policies.iter().find(|one| one.code == *policy.read())?;
        let typed = seats.get().trim().parse::<u32>().ok();
        let duration = match found.duration_days {
            Some(days) => format!("{days} {}", t(Text::Days)),
            None => t(Text::ForEver).to_owned(),
        };
        Some(view! {
            <p class="notice" aria-live="polite">
                {t(Text::PolicyMeans)} " " {typed.unwrap_or(found.seats)} " " {t(Text::SeatsWord)} ", " {duration} ", "
                {found.grace_days} " " {t(Text::GraceDays)} ", " {found.lease_days} " " {t(Text::OfflineDays)} "."
            </p>
        })
    }
}

/// The keys, in full here and nowhere else.
#[component]
fn Sold(licenses: Vec<License>) -> impl IntoView {
    view! {
        <section class="card">
            <p role="status">{move || t(Text::KeysShownOnce)}</p>
            <ul class="keys">{licenses.into_iter().map(|license| view! {
                <li><Copy text=license.key.unwrap_or_default() /> " " <a href=format!("/licenses/{}", license.id)>{move || t(Text::OpenIt)}</a></li>
            }).collect_view()}</ul>
        </section>
    }
}
