//! `/setup`: whoever has a link sets a password, and the first owner says who it is.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use serde_json::json;

use super::login::{Step, Steps};
use crate::{
    api,
    parts::{
        field::{Field, FormFailure, Refused},
        title::Title,
    },
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let query = use_query_map();
    let token = query.read_untracked().get("token").unwrap_or_default();
    // An invitation says already who it is for.
    let is_owner = token.starts_with("first.") || token.starts_with("rescue.");
    let [name, email, password] = [(); 3].map(|()| RwSignal::new(String::new()));
    let (refused, is_set, busy) = (Refused::new(), RwSignal::new(false), RwSignal::new(false));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let token = token.clone();
        spawn_local(async move {
            busy.set(true);
            refused.clear();
            let mut body = json!({ "token": token, "password": password.get_untracked() });
            if is_owner {
                body["name"] = name.get_untracked().into();
                body["email"] = email.get_untracked().into();
            }
            match api::step("/api/auth/setup", &body).await {
                Ok(_) => is_set.set(true),
                Err(failure) => refused.set(failure),
            }
            busy.set(false);
        });
    };
    let form = move || {
        view! {
            <Title text=Signal::derive(|| t(Text::SetUp).to_owned()) />
            <p>{move || t(if is_owner { Text::SetUpWhy } else { Text::InvitedWhy })}</p>
            <form on:submit=submit.clone()>
                <FormFailure refused />
                {is_owner.then(|| view! {
                    <Field name="name" label=Text::Name value=name refused autocomplete="name" required=true autofocus=true />
                    <Field name="email" label=Text::Email value=email refused kind="email" autocomplete="username" required=true />
                })}
                <Field name="password" label=Text::Password value=password refused kind="password" hint=Text::PasswordHint autocomplete="new-password" required=true />
                <button class="primary wide" type="submit" disabled=move || busy.get()>{move || t(Text::Continue)}</button>
            </form>
        }
    };
    view! {
        <main class="narrow">
            <p class="brand">"Licet"</p>
            {move || if is_set.get() { view! { <Steps first=Step::Enroll /> }.into_any() } else { form().into_any() }}
        </main>
    }
}
