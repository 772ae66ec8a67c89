//! What is read from the server and shown: a skeleton before it is there, and what went wrong with a way to try again.

use std::sync::Arc;

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{failure::FailureNote, field::Options};
use crate::{
    api::{self, Reply},
    text::{Text, t},
};

type Shown = Arc<dyn Fn(Reply<String>) -> Option<AnyView> + Send + Sync>;

/// Reads what an address tells, and again whenever what the address is made of changes.
pub(crate) fn load<T: DeserializeOwned>(
    path: impl Fn() -> String + Send + Sync + 'static,
    shown: impl Fn(Reply<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let parsed = move |reply: Reply<String>| {
        let value = serde_json::from_str(&reply.value).ok()?;
        let etag = reply.etag;
        Some(shown(Reply { value, etag }))
    };
    load_text(path, parsed)
}

/// The same of what the page reads out of the text by itself.
pub(crate) fn load_text(
    path: impl Fn() -> String + Send + Sync + 'static,
    shown: impl Fn(Reply<String>) -> Option<AnyView> + Send + Sync + 'static,
) -> AnyView {
    load_any(Arc::new(path), Arc::new(shown))
}

/// The part that is the same whatever is read: a browser loads it once.
fn load_any(path: Arc<dyn Fn() -> String + Send + Sync>, shown: Shown) -> AnyView {
    let read = LocalResource::new(move || api::fetch(&path()));
    let failed = move |failure| view! { <FailureNote failure retry=move |()| read.refetch() /> }.into_any();
    view! {
        <Transition fallback=|| view! { <div class="skeleton tall" aria-hidden="true"></div> }>
            {move || read.get().map(|answer| match answer {
                Ok(reply) => shown(reply).unwrap_or_else(|| failed(api::unreadable())),
                Err(failure) => failed(failure),
            })}
        </Transition>
    }
    .into_any()
}

/// A part of a page, under its name.
pub(crate) fn section(name: Text, content: AnyView) -> AnyView {
    view! {
        <section class="card" aria-label=move || t(name)>
            <h2>{move || t(name)}</h2>
            {content}
        </section>
    }
    .into_any()
}

/// What can be chosen of a list.
pub(crate) fn options(path: &'static str, option: fn(&Value) -> (String, String)) -> Options {
    let read = LocalResource::new(move || api::fetch(path));
    Signal::derive(move || {
        let page = read.get()?.map(|page| page.value).unwrap_or_default();
        let page: Value = serde_json::from_str(&page).unwrap_or_default();
        let items = page["items"].as_array().into_iter().flatten();
        Some(items.map(option).collect())
    })
}

/// The products, by code.
pub(crate) fn products() -> Options {
    options("/api/admin/products?limit=200", |product| {
        (text_of(product, "code"), text_of(product, "name"))
    })
}

/// A text of a thing; empty where it has none.
pub(crate) fn text_of(thing: &Value, name: &str) -> String {
    thing[name].as_str().unwrap_or_default().to_owned()
}
