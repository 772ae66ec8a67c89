//! `/policies`

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::{
    Page as Rows,
    admin::{Policy, Product},
};
use serde_json::{Value, json};

use crate::{
    api,
    parts::{
        action::ActionButton,
        dialog::Dialog,
        field::{Choice, Field, FormFailure, Refused},
        listing::{Column, Listed, Listing},
        show::{Moment, State},
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let listed = Listed::<Policy> {
        path: "/api/admin/policies",
        caption: Text::Policies,
        columns: vec![
            Column::new(Text::Code, |policy| {
                view! { <code>{policy.code.clone()}</code> }.into_any()
            }),
            Column::new(Text::Seats, |policy| policy.seats.into_any()),
            Column::new(Text::DurationDays, |policy| match policy.duration_days {
                Some(days) => days.into_any(),
                None => view! { <span class="quiet">{move || t(Text::ForEver)}</span> }.into_any(),
            }),
            Column::new(Text::OfflineDays, |policy| policy.lease_days.into_any()),
            Column::new(Text::Floating, |policy| {
                t(if policy.floating { Text::Yes } else { Text::No }).into_any()
            }),
            Column::new(Text::Status, |policy| {
                view! { <State code=policy.status.clone() /> }.into_any()
            }),
            Column::extra(Text::GraceDays, |policy| policy.grace_days.into_any()),
            Column::extra(Text::Version, |policy| policy.version.into_any()),
            Column::extra(Text::CreatedAt, |policy: &Policy| {
                view! { <Moment time=policy.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::PoliciesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Policies).to_owned())>
            <ActionButton label=Text::NewPolicy permission="policies.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <New open refresh />
    }
}

#[component]
fn New(open: RwSignal<bool>, refresh: RwSignal<u32>) -> impl IntoView {
    let [code, product, seats, days] = [(); 4].map(|()| RwSignal::new(String::new()));
    let (refused, toasts) = (Refused::new(), toasts());
    let products = LocalResource::new(move || {
        open.get();
        api::get::<Rows<Product>>("/api/admin/products?limit=200")
    });
    let all = move || {
        products
            .get()
            .and_then(Result::ok)
            .map(|page| page.items)
            .unwrap_or_default()
    };
    Effect::new(move |_| {
        if product.read_untracked().is_empty()
            && let Some(first) = all().first()
        {
            product.set(first.code.clone());
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let mut body = json!({ "code": code.get_untracked(), "product": product.get_untracked() });
            for (name, typed) in [("seats", seats), ("duration_days", days)] {
                let typed = typed.get_untracked();
                if !typed.trim().is_empty() {
                    body[name] = typed
                        .trim()
                        .parse::<i64>()
                        .map_or_else(|_| Value::from(typed), Value::from);
                }
            }
            match api::post::<_, Policy>("/api/admin/policies", &body).await {
                Ok(_) => {
                    open.set(false);
                    refresh.update(|count| *count += 1);
                    toasts.say(t(Text::Created));
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <Dialog open title=Signal::derive(|| t(Text::NewPolicy).to_owned()) on_close=move |()| open.set(false)>
            <form on:submit=submit>
                <FormFailure refused />
                <Field name="code" label=Text::Code value=code refused hint=Text::CodeOfThingHint required=true autofocus=true />
                <Choice name="product" label=Text::Product value=product refused
                    options=Signal::derive(move || all().into_iter().map(|one| (one.code, one.name)).collect()) />
                <Field name="seats" label=Text::Seats value=seats refused kind="number" required=true />
                <Field name="duration_days" label=Text::DurationDays value=days refused kind="number" hint=Text::DurationHint />
                <div class="buttons">
                    <button type="button" on:click=move |_| open.set(false)>{move || t(Text::Cancel)}</button>
                    <button class="primary" type="submit">{move || t(Text::Create)}</button>
                </div>
            </form>
        </Dialog>
    }
}
