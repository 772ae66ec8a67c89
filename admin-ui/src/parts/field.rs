//! Fields of forms: each with its label, what it means, and what is wrong with it.

use leptos::prelude::*;

use super::failure::FailureNote;
use crate::{
    api::Failure,
    text::{Text, t},
};

/// What a form was refused for.
#[derive(Clone, Copy)]
pub(crate) struct Refused(RwSignal<Option<Failure>>);

impl Refused {
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(None))
    }

    pub(crate) fn set(self, failure: Failure) {
        self.0.set(Some(failure));
    }

    /// A failure of a form that has no fields of these names: all of it is said at once.
    pub(crate) fn set_whole(self, failure: Failure) {
        let errors: Vec<String> = failure.errors.iter().map(|error| error.detail.clone()).collect();
        let detail = if errors.is_empty() {
            failure.detail.clone()
        } else {
            format!("{} {}", failure.detail, errors.join("; "))
        };
        let errors = Vec::new();
        self.0.set(Some(Failure {
            detail,
            errors,
            ..failure
        }));
    }

    pub(crate) fn clear(self) {
        self.0.set(None);
    }

    /// What is wrong with one field.
    fn of(self, name: &str) -> Option<String> {
        let failure = self.0.read();
        let errors = &failure.as_ref()?.errors;
        let pointer = format!("/{name}");
        let error = errors.iter().find(|error| error.pointer == pointer)?;
        Some(error.detail.clone())
    }

    /// The failure itself, where no field says it.
    fn general(self) -> Option<Failure> {
        self.0.get().filter(|failure| failure.errors.is_empty())
    }
}

/// What a form says as a whole, once.
#[component]
pub(crate) fn FormFailure(refused: Refused) -> impl IntoView {
    move || refused.general().map(|failure| view! { <FailureNote failure /> })
}

/// A line of text.
#[component]
pub(crate) fn Field(
    /// As the API calls it.
    name: &'static str,
    label: Text,
    value: RwSignal<String>,
    refused: Refused,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional_no_strip, into)] hint: Option<Text>,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    if autofocus {
        Effect::new(move |_| {
            if let Some(input) = input.get() {
                let _ = input.focus();
            }
        });
    }
    let id = format!("field-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || match (hint.is_some(), refused.of(name).is_some()) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (false, true) => Some(error_id.clone()),
            (true, false) => Some(hint_id.clone()),
            (false, false) => None,
        }
    };
    view! {
        <div class="field">
            <label for=id.clone()>{move || t(label)}</label>
            // A slider says its value by itself.
            {(kind == "range").then(|| view! { <span class="quiet" aria-hidden="true">{move || value.get()} " %"</span> })}
            <input
                id=id
                name=name
                type=kind
                node_ref=input
                required=required
                autocomplete=autocomplete
                aria-invalid=move || refused.of(name).is_some().then_some("true")
                aria-describedby=described
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{move || t(hint)}</p> })}
            {move || refused.of(name).map(|error| view! { <p class="error" id=error_id.clone()>{error}</p> })}
        </div>
    }
}

/// What can be chosen: what is sent, and how it reads; nothing while it is being read.
pub(crate) type Options = Signal<Option<Vec<(String, String)>>>;

/// One of several.
#[component]
pub(crate) fn Choice(
    name: &'static str,
    label: Text,
    value: RwSignal<String>,
    refused: Refused,
    options: Options,
) -> impl IntoView {
    let id = format!("field-{name}");
    let error_id = format!("{id}-error");
    let described = error_id.clone();
    // What stands first in the field is what is chosen.
    Effect::new(move |_| {
        if value.read_untracked().is_empty()
            && let Some((first, _)) = options.read().iter().flatten().next()
        {
            value.set(first.clone());
        }
    });
    view! {
        <div class="field">
            <label for=id.clone()>{move || t(label)}</label>
            <select
                id=id
                name=name
                aria-invalid=move || refused.of(name).is_some().then_some("true")
                aria-describedby=move || refused.of(name).map(|_| described.clone())
                on:change=move |event| value.set(event_target_value(&event))
            >
                {move || options.get().into_iter().flatten().map(|(sent, read)| {
                    let chosen = value.get() == sent;
                    view! { <option value=sent selected=chosen>{read}</option> }
                }).collect_view()}
            </select>
            {move || refused.of(name).map(|error| view! { <p class="error" id=error_id.clone()>{error}</p> })}
        </div>
    }
}
