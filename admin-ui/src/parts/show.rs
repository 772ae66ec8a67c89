//! How single values are shown: states, moments, ids, secrets.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::toast::{ToastList, toasts};
use crate::{
    text::{Text, t},
    words,
};

/// A state, in words and by color.
#[component]
pub(crate) fn State(#[prop(into)] code: Signal<String>) -> impl IntoView {
    view! { <span class=move || format!("state {}", words::tone(&code.read()))>{move || words::state(&code.read())}</span> }
}

/// A moment: how long ago, and exactly for who looks closer.
#[component]
pub(crate) fn Moment(#[prop(into)] time: String) -> impl IntoView {
    let (exact, datetime, shown) = (time.clone(), time.clone(), time);
    view! {
        <time datetime=datetime title=move || words::moment(&exact) tabindex="0">{move || words::relative(&shown)}</time>
    }
}

/// A moment, where there is one.
#[component]
pub(crate) fn MaybeMoment(time: Option<String>, #[prop(default = Text::Never)] none: Text) -> impl IntoView {
    match time {
        Some(time) => view! { <Moment time /> }.into_any(),
        None => view! { <span class="quiet">{move || t(none)}</span> }.into_any(),
    }
}

/// Copies a text, and says whether it was.
pub(crate) fn copy(text: String, toasts: ToastList) {
    spawn_local(async move {
        let written = window().navigator().clipboard().write_text(&text);
        let said = match JsFuture::from(written).await {
            Ok(_) => Text::Copied,
            Err(_) => Text::NotCopied,
        };
        toasts.say(t(said));
    });
}

/// Something that is copied with one click.
#[component]
pub(crate) fn Copy(#[prop(into)] text: String) -> impl IntoView {
    let toasts = toasts();
    let (shown, copied) = (text.clone(), text);
    let copy = move |_| copy(copied.clone(), toasts);
    view! {
        <span class="copy">
            <code>{shown}</code>
            <button class="link" aria-label=move || t(Text::CopyIt) title=move || t(Text::CopyIt) on:click=copy>
                <svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><rect x="5" y="5" width="9" height="9" rx="2"></rect><path d="M11 2H4a2 2 0 0 0-2 2v7"></path></svg>
            </button>
        </span>
    }
}

/// Something about a thing.
#[component]
pub(crate) fn Fact(name: Text, children: Children) -> impl IntoView {
    view! { <div class="fact"><dt>{move || t(name)}</dt><dd>{children()}</dd></div> }
}
