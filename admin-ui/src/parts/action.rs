//! Buttons that do something: disabled with the reason where it is not permitted, and a question before what is for ever.

use leptos::prelude::*;

use super::dialog::Dialog;
use crate::{
    session::me,
    text::{Text, t},
};

/// A button for who has a permission; for others it says why not.
#[component]
pub(crate) fn ActionButton(
    label: Text,
    permission: &'static str,
    #[prop(into)] on_click: Callback<()>,
    #[prop(default = "")] class: &'static str,
) -> impl IntoView {
    let me = me();
    let reason = Memo::new(move |_| me.refusal(permission));
    let id = format!("why-{permission}-{label:?}").replace('.', "-");
    let described = id.clone();
    view! {
        <button
            class=class
            aria-disabled=move || reason.read().is_some().then_some("true")
            aria-describedby=move || reason.read().is_some().then(|| described.clone())
            title=move || reason.get()
            on:click=move |_| if reason.read_untracked().is_none() { on_click.run(()) }
        >
            {move || t(label)}
        </button>
        {move || reason.get().map(|reason| view! { <span class="hidden" id=id.clone()>{reason}</span> })}
    }
}

/// A link that looks like a button, for who has a permission.
#[component]
pub(crate) fn ActionLink(label: Text, permission: &'static str, #[prop(into)] href: Signal<String>) -> impl IntoView {
    let me = me();
    move || match me.refusal(permission) {
        None => view! { <a class="button primary" href=href>{move || t(label)}</a> }.into_any(),
        Some(reason) => view! {
            <a class="button primary" role="link" aria-disabled="true" title=reason>{move || t(label)}</a>
        }
        .into_any(),
    }
}

/// Asks before what cannot be taken back: the word has to be typed.
#[component]
pub(crate) fn Irreversible(
    open: RwSignal<bool>,
    title: Text,
    explanation: Text,
    /// What is to be typed.
    #[prop(into)]
    word: Signal<String>,
    #[prop(into)] on_confirm: Callback<()>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let fits = move || !word.read().is_empty() && typed.read().trim() == *word.read();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if fits() {
            open.set(false);
            typed.set(String::new());
            on_confirm.run(());
        }
    };
    view! {
        <Dialog open=open title=Signal::derive(move || t(title).to_owned()) on_close=move |()| open.set(false)>
            <form on:submit=submit>
                <p>{move || t(explanation)}</p>
                <div class="field">
                    <label for="typed">{move || t(Text::TypeToConfirm)} " " <code>{word}</code></label>
                    <input id="typed" autocomplete="off" prop:value=move || typed.get() on:input=move |event| typed.set(event_target_value(&event)) />
                </div>
                <div class="buttons">
                    <button type="button" on:click=move |_| open.set(false)>{move || t(Text::Cancel)}</button>
                    <button class="danger" type="submit" disabled=move || !fits()>{move || t(title)}</button>
                </div>
            </form>
        </Dialog>
    }
}
