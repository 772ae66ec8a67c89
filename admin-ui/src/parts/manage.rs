//! A dialog over one thing of a list: what can be changed of it, and the end of its use.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value;

use super::{
    action::{ActionButton, Irreversible},
    dialog::Dialog,
    edit::{EditForm, Edited},
    failure::sentence,
    load::load,
    toast::toasts,
};
use crate::{
    api::{self, Reply},
    text::{Text, t},
};

/// Which thing of a list is managed; the list's cells choose it.
#[derive(Clone, Copy)]
pub(crate) struct Chosen(RwSignal<Option<Thing>>);

/// A thing: where the API has it, and what it is called.
#[derive(Clone)]
struct Thing {
    path: String,
    name: String,
}

/// To be called by the page before its list is made.
pub(crate) fn provide() -> Chosen {
    let chosen = Chosen(RwSignal::new(None));
    provide_context(chosen);
    chosen
}

/// What stands in a row to manage its thing.
#[component]
pub(crate) fn ManageButton(permission: &'static str, path: String, #[prop(into)] name: String) -> impl IntoView {
    let chosen = expect_context::<Chosen>();
    let choose = move |()| {
        let (path, name) = (path.clone(), name.clone());
        chosen.0.set(Some(Thing { path, name }));
    };
    view! { <ActionButton label=Text::Edit permission class="link" on_click=choose /> }
}

/// How a kind of thing is managed.
#[derive(Clone, Copy)]
pub(crate) struct Managing {
    pub(crate) permission: &'static str,
    /// What can be changed, of the thing as it is now.
    pub(crate) fields: fn(&Value) -> Vec<Edited>,
    /// How its end is called, what that means, and how it is told.
    pub(crate) end: (Text, Text, Text),
    /// What else is shown under the fields, where there is something.
    pub(crate) further: Option<fn(String, Vec<Edited>) -> AnyView>,
}

#[component]
pub(crate) fn ManageDialog(chosen: Chosen, managing: Managing, refresh: RwSignal<u32>) -> impl IntoView {
    let chosen = chosen.0;
    let title = move || {
        chosen
            .read()
            .as_ref()
            .map(|thing| thing.name.clone())
            .unwrap_or_default()
    };
    let open = Signal::derive(move || chosen.read().is_some());
    view! {
        <Dialog open title=Signal::derive(title) on_close=move |()| chosen.set(None)>
            {move || chosen.get().map(|thing| view! { <Manage thing managing refresh chosen /> })}
        </Dialog>
    }
}

#[component]
fn Manage(thing: Thing, managing: Managing, refresh: RwSignal<u32>, chosen: RwSignal<Option<Thing>>) -> impl IntoView {
    let (ending, editing, toasts) = (RwSignal::new(false), RwSignal::new(true), toasts());
    Effect::new(move |_| {
        if !editing.get() {
            chosen.set(None);
        }
    });
    let path = StoredValue::new(thing.path);
    let (label, why, said) = managing.end;
    let end = move |()| {
        spawn_local(async move {
            let path = path.get_value();
            // What counts is how it is at the end, not when the dialog was opened: its end was confirmed by name.
            let ended = match api::fetch(&path).await {
                Ok(now) => api::delete(&path, Some(&now.etag)).await,
                Err(failure) => Err(failure),
            };
            match ended {
                Ok(_) => {
                    refresh.update(|count| *count += 1);
                    chosen.set(None);
                    toasts.say(t(said));
                }
                Err(failure) => toasts.say(sentence(&failure)),
            }
        });
    };
    let shown = move |now: Reply<Value>| {
        let fields = (managing.fields)(&now.value);
        let further = managing
            .further
            .map(|further| further(path.get_value(), fields.clone()));
        view! {
            <EditForm path=path.get_value() etag=now.etag fields again=refresh editing />
            {further}
            <p><ActionButton label permission=managing.permission class="danger" on_click=move |()| ending.set(true) /></p>
        }
        .into_any()
    };
    view! {
        {load(move || path.get_value(), shown)}
        <Irreversible open=ending title=label explanation=why word=thing.name on_confirm=end />
    }
}
