//! `/customers/new`

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use licet_contracts::admin::Customer;
use serde_json::json;

use crate::{
    api,
    parts::{
        field::{Field, FormFailure, Refused},
        leaving,
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let [name, email, company] = [(); 3].map(|()| RwSignal::new(String::new()));
    leaving::ask_before(Signal::derive(move || {
        [name, email, company].iter().any(|field| !field.read().is_empty())
    }));
    let (refused, toasts, navigate) = (Refused::new(), toasts(), use_navigate());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        spawn_local(async move {
            refused.clear();
            let company = Some(company.get_untracked()).filter(|company| !company.trim().is_empty());
            let body = json!({ "name": name.get_untracked(), "email": email.get_untracked(), "company": company });
            match api::post::<_, Customer>("/api/admin/customers", &body).await {
                Ok(customer) => {
                    toasts.say(t(Text::CustomerCreated));
                    navigate(
                        &format!("/customers/{}", customer.id),
                        leptos_router::NavigateOptions::default(),
                    );
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <Title text=Signal::derive(|| t(Text::NewCustomer).to_owned()) />
        <form class="card" on:submit=submit>
            <FormFailure refused />
            <Field name="name" label=Text::Name value=name refused required=true autofocus=true />
            <Field name="email" label=Text::Email value=email refused kind="email" hint=Text::CustomerEmailHint required=true />
            <Field name="company" label=Text::Company value=company refused />
            <div class="buttons">
                <a class="button" href="/customers">{move || t(Text::Cancel)}</a>
                <button class="primary" type="submit">{move || t(Text::Create)}</button>
            </div>
        </form>
    }
}
