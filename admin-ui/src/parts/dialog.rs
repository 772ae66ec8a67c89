//! Dialogs: what is asked before something is done, and the sign-in in place.

use leptos::{html, prelude::*, task::spawn_local};
use serde_json::json;

use super::field::{Field, FormFailure, Refused};
use crate::{
    api,
    gate::{self, Need},
    session::{me, next_of},
    text::{Text, t},
};

/// A dialog that is open while `open` says so.
#[component]
pub(crate) fn Dialog(
    #[prop(into)] open: Signal<bool>,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] on_close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(element) = dialog.get() else { return };
        if open.get() {
            if !element.open() {
                let _ = element.show_modal();
            }
        } else {
            element.close();
        }
    });
    view! {
        <dialog
            node_ref=dialog
            // One that is closed is called nothing: it is not there.
            aria-label=move || open.get().then(|| title.get())
            on:close=move |_| if open.get_untracked() { on_close.run(()) }
        >
            <Show when=move || open.get()>
                <h2>{move || title.get()}</h2>
                {children()}
            </Show>
        </dialog>
    }
}

/// Asks for what the server wants before it goes on; what waits for it goes on by itself.
#[component]
pub(crate) fn GateDialog() -> impl IntoView {
    let title = move || {
        t(match gate::need() {
            Some(Need::SignIn) => Text::SignInAgain,
            _ => Text::PasswordAgain,
        })
        .to_owned()
    };
    view! {
        <Dialog
            open=Signal::derive(|| gate::need().is_some())
            title=Signal::derive(title)
            on_close=move |()| gate::answer(false)
        >
            {move || match gate::need() {
                Some(Need::SignIn) => view! { <SignInAgain /> }.into_any(),
                _ => view! { <PasswordAgain /> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
fn PasswordAgain() -> impl IntoView {
    let (password, refused) = (RwSignal::new(String::new()), Refused::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            let body = json!({ "password": password.get_untracked() });
            match api::step("/api/auth/reauthenticate", &body).await {
                Ok(_) => gate::answer(true),
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <form on:submit=submit>
            <p>{move || t(Text::PasswordAgainWhy)}</p>
            <FormFailure refused />
            <Field name="password" label=Text::Password value=password refused kind="password" autocomplete="current-password" required=true autofocus=true />
            <Buttons confirm=Text::Confirm />
        </form>
    }
}

#[component]
fn SignInAgain() -> impl IntoView {
    let me = me();
    let known = me.session().map(|session| session.operator.email).unwrap_or_default();
    let (email, password, code) = (
        RwSignal::new(known),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let (refused, wants_code) = (Refused::new(), RwSignal::new(false));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            if !wants_code.get_untracked() {
                let body = json!({ "email": email.get_untracked(), "password": password.get_untracked() });
                match api::step("/api/auth/login", &body).await {
                    Ok(answer) => wants_code.set(next_of(&answer.value) == "totp"),
                    Err(failure) => refused.set(failure),
                }
                return;
            }
            let body = json!({ "code": code.get_untracked() });
            match api::step("/api/auth/totp", &body).await {
                Ok(_) => {
                    me.ask().await;
                    gate::answer(true);
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <form on:submit=submit>
            <p>{move || t(Text::SignInAgainWhy)}</p>
            <FormFailure refused />
            <Show
                when=move || wants_code.get()
                fallback=move || view! {
                    <Field name="email" label=Text::Email value=email refused kind="email" autocomplete="username" required=true />
                    <Field name="password" label=Text::Password value=password refused kind="password" autocomplete="current-password" required=true autofocus=true />
                }
            >
                <Field name="code" label=Text::Code value=code refused autocomplete="one-time-code" required=true autofocus=true />
            </Show>
            <Buttons confirm=Text::SignIn />
        </form>
    }
}

#[component]
fn Buttons(confirm: Text) -> impl IntoView {
    view! {
        <div class="buttons">
            <button type="button" on:click=move |_| gate::answer(false)>{move || t(Text::Cancel)}</button>
            <button class="primary" type="submit">{move || t(confirm)}</button>
        </div>
    }
}
