//! `/login`: by password, then by the second factor, which is enrolled here where there is none yet.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use licet_contracts::auth;
use serde_json::{Value, json};

use crate::{
    api, export,
    parts::{
        field::{Field, FormFailure, Refused},
        link::{encoded, inside},
        show::Copy,
        title::Title,
    },
    session::{me, next_of},
    text::{Text, t},
};

/// How far someone has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Password,
    Code,
    Enroll,
}

#[component]
pub(crate) fn Page() -> impl IntoView {
    view! {
        <main class="narrow">
            <p class="brand">"Licet"</p>
            <Steps first=Step::Password />
        </main>
    }
}

/// What comes next, step by step, from the first that is left.
#[component]
pub(crate) fn Steps(first: Step) -> impl IntoView {
    let (step, me) = (RwSignal::new(first), me());
    let (navigate, query) = (use_navigate(), use_query_map());
    let done = move || {
        let navigate = navigate.clone();
        let next = inside(query.read_untracked().get("next"));
        spawn_local(async move {
            me.ask().await;
            let replace = true;
            navigate(
                &next,
                NavigateOptions {
                    replace,
                    ..NavigateOptions::default()
                },
            );
        });
    };
    let done = Callback::new(move |()| done());
    move || match step.get() {
        Step::Password => view! { <PasswordStep step /> }.into_any(),
        Step::Code => view! { <CodeStep done step /> }.into_any(),
        Step::Enroll => view! { <EnrollStep done /> }.into_any(),
    }
}

#[component]
fn PasswordStep(step: RwSignal<Step>) -> impl IntoView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (refused, busy) = (Refused::new(), RwSignal::new(false));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            busy.set(true);
            refused.clear();
            let body = json!({ "email": email.get_untracked(), "password": password.get_untracked() });
            match api::step("/api/auth/login", &body).await {
                Ok(answer) if next_of(&answer.value) == "enroll" => step.set(Step::Enroll),
                Ok(_) => step.set(Step::Code),
                Err(failure) => refused.set(failure),
            }
            busy.set(false);
        });
    };
    view! {
        <Title text=Signal::derive(|| t(Text::SignIn).to_owned()) />
        <form on:submit=submit>
            <FormFailure refused />
            <Field name="email" label=Text::Email value=email refused kind="email" autocomplete="username" required=true autofocus=true />
            <Field name="password" label=Text::Password value=password refused kind="password" autocomplete="current-password" required=true />
            <button class="primary wide" type="submit" disabled=move || busy.get()>{move || t(Text::SignIn)}</button>
        </form>
    }
}

#[component]
fn CodeStep(done: Callback<()>, step: RwSignal<Step>) -> impl IntoView {
    let (code, recovery) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (refused, busy) = (Refused::new(), RwSignal::new(false));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            busy.set(true);
            refused.clear();
            let name = if recovery.get_untracked() {
                "recovery_code"
            } else {
                "code"
            };
            let body = json!({ name: code.get_untracked() });
            match api::step("/api/auth/totp", &body).await {
                Ok(_) => done.run(()),
                // It has waited for too long: from the beginning.
                Err(failure) if failure.code == "UNAUTHENTICATED" => step.set(Step::Password),
                Err(failure) => refused.set(failure),
            }
            busy.set(false);
        });
    };
    view! {
        <Title text=Signal::derive(|| t(Text::SecondFactor).to_owned()) />
        <form on:submit=submit>
            <FormFailure refused />
            {move || if recovery.get() {
                view! { <Field name="recovery_code" label=Text::RecoveryCode value=code refused required=true autofocus=true /> }.into_any()
            } else {
                view! { <Field name="code" label=Text::Code value=code refused hint=Text::CodeHint autocomplete="one-time-code" required=true autofocus=true /> }.into_any()
            }}
            <button class="primary wide" type="submit" disabled=move || busy.get()>{move || t(Text::Verify)}</button>
            <button class="link" type="button" on:click=move |_| { recovery.update(|on| *on = !*on); code.set(String::new()); }>
                {move || t(if recovery.get() { Text::UseCode } else { Text::UseRecoveryCode })}
            </button>
        </form>
    }
}

#[component]
fn EnrollStep(done: Callback<()>) -> impl IntoView {
    let shown = LocalResource::new(|| api::step("/api/auth/totp/enroll", &Value::Null));
    let (code, refused) = (RwSignal::new(String::new()), Refused::new());
    let codes = RwSignal::new(Vec::<String>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let body = json!({ "code": code.get_untracked() });
            let confirmed = api::step("/api/auth/totp/confirm", &body).await;
            match confirmed.and_then(|answer| api::parse::<auth::RecoveryCodes>(&answer.value)) {
                Ok(answer) => codes.set(answer.recovery_codes),
                Err(failure) => refused.set(failure),
            }
        });
    };
    let form = move || {
        view! {
            <Title text=Signal::derive(|| t(Text::EnrollFactor).to_owned()) />
            <p>{move || t(Text::EnrollWhy)}</p>
            <FormFailure refused />
            <Transition fallback=|| view! { <div class="skeleton tall"></div> }>
                {move || shown.get().map(|answer| match answer.and_then(|answer| api::parse::<auth::Enrollment>(&answer.value)) {
                    Ok(shown) => view! {
                        <img class="qr" alt=move || t(Text::QrCode) src=format!("data:image/svg+xml,{}", encoded(&shown.qr_svg)) />
                        <p>{move || t(Text::SecretToType)} " " <Copy text=shown.secret /></p>
                    }.into_any(),
                    Err(failure) => view! { <crate::parts::failure::FailureNote failure retry=move |()| shown.refetch() /> }.into_any(),
                })}
            </Transition>
            <form on:submit=submit>
                <Field name="code" label=Text::Code value=code refused hint=Text::CodeHint autocomplete="one-time-code" required=true />
                <button class="primary wide" type="submit">{move || t(Text::Verify)}</button>
            </form>
        }
    };
    move || {
        if codes.read().is_empty() {
            form().into_any()
        } else {
            view! { <Codes codes=codes.get() done /> }.into_any()
        }
    }
}

/// Recovery codes, the one time that they are seen.
#[component]
fn Codes(codes: Vec<String>, done: Callback<()>) -> impl IntoView {
    let saved = codes.join("\n");
    view! {
        <Title text=Signal::derive(|| t(Text::RecoveryCodes).to_owned()) />
        <p>{move || t(Text::RecoveryCodesWhy)}</p>
        <ol class="codes">{codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}</ol>
        <div class="buttons">
            <button on:click=move |_| export::save("licet-recovery-codes.txt", &saved)>{move || t(Text::Save)}</button>
            <button class="primary" on:click=move |_| done.run(())>{move || t(Text::IKeptThem)}</button>
        </div>
    }
}
