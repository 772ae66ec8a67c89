//! A form that makes something.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};

use super::{
    dialog::Dialog,
    field::{Choice, Field, FormFailure, Options, Refused},
    load::text_of,
    show::Copy,
    toast::toasts,
};
use crate::{
    api,
    text::{Text, t},
};

/// How a field is asked for and sent.
#[derive(Clone, Copy)]
enum Kind {
    /// An input of this type, sent as text.
    Text(&'static str),
    /// An input of this type, sent as a number.
    Number(&'static str),
    /// One of several.
    Choice(Options),
    /// One of several, sent as a list of it.
    List(Options),
}

/// A field: as the API calls it, and as people do.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    name: &'static str,
    label: Text,
    kind: Kind,
    hint: Option<Text>,
    required: bool,
    value: RwSignal<String>,
}

impl Asked {
    fn new(name: &'static str, label: Text, kind: Kind) -> Self {
        Self {
            name,
            label,
            kind,
            hint: None,
            required: false,
            value: RwSignal::new(String::new()),
        }
    }

    pub(crate) fn text(name: &'static str, label: Text) -> Self {
        Self::new(name, label, Kind::Text("text"))
    }

    /// Text of a type that browsers know, such as `email`.
    pub(crate) fn typed(name: &'static str, label: Text, kind: &'static str) -> Self {
        Self::new(name, label, Kind::Text(kind))
    }

    pub(crate) fn number(name: &'static str, label: Text) -> Self {
        Self::new(name, label, Kind::Number("number"))
    }

    pub(crate) fn percent(name: &'static str, label: Text) -> Self {
        Self::new(name, label, Kind::Number("range"))
    }

    pub(crate) fn choice(name: &'static str, label: Text, options: Options) -> Self {
        Self::new(name, label, Kind::Choice(options))
    }

    pub(crate) fn list(name: &'static str, label: Text, options: Options) -> Self {
        Self::new(name, label, Kind::List(options))
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) fn hint(self, hint: Text) -> Self {
        let hint = Some(hint);
        Self { hint, ..self }
    }

    pub(crate) fn with(self, value: &str) -> Self {
        self.value.set(value.to_owned());
        self
    }

    fn options(&self) -> Option<Options> {
        match self.kind {
            Kind::Choice(options) | Kind::List(options) => Some(options),
            Kind::Text(_) | Kind::Number(_) => None,
        }
    }

    /// Whether something was typed.
    pub(crate) fn is_typed(&self) -> bool {
        !self.value.read().is_empty()
    }

    /// As the API takes it; nothing where nothing was typed. What is no number is for the server to refuse.
    fn sent(&self) -> Option<Value> {
        let text = self.value.get_untracked();
        let text = text.trim();
        let sent = match self.kind {
            Kind::Text(_) | Kind::Choice(_) => Value::from(text),
            Kind::Number(_) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            Kind::List(_) => Value::from(vec![text]),
        };
        (!text.is_empty() || self.required).then_some(sent)
    }
}

/// One of these, each of which reads as it is sent.
pub(crate) fn one_of(options: &'static [&'static str]) -> Options {
    let options = options
        .iter()
        .map(|option| ((*option).to_owned(), (*option).to_owned()));
    let options: Vec<_> = options.collect();
    Signal::derive(move || Some(options.clone()))
}

/// What is told of something new once, and never again.
#[derive(Clone, Copy)]
pub(crate) struct ToldOnce {
    /// What is said of it.
    pub(crate) why: Text,
    /// As what the answer has it.
    pub(crate) name: &'static str,
}

/// The same form in a dialog over a list, which looks again.
#[component]
pub(crate) fn CreateDialog(
    open: RwSignal<bool>,
    title: Text,
    path: &'static str,
    fields: fn() -> Vec<Asked>,
    #[prop(default = Text::Create)] confirm: Text,
    /// What is said when it is done.
    #[prop(default = Text::Created)]
    said: Text,
    #[prop(optional)] told_once: Option<ToldOnce>,
    refresh: RwSignal<u32>,
) -> impl IntoView {
    let (toasts, secret) = (toasts(), RwSignal::new(None::<String>));
    let close = move || {
        open.set(false);
        secret.set(None);
    };
    let done = move |answer: String| {
        refresh.update(|count| *count += 1);
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        match told_once {
            Some(told) => secret.set(Some(text_of(&answer, told.name))),
            None => {
                close();
                toasts.say(t(said));
            }
        }
    };
    view! {
        <Dialog open title=Signal::derive(move || t(title).to_owned()) on_close=move |()| close()>
            {move || match secret.get() {
                Some(secret) => view! {
                    <p role="status">{told_once.map(|told| t(told.why))}</p>
                    <p><Copy text=secret /></p>
                    <div class="buttons"><button class="primary" on:click=move |_| close()>{move || t(Text::IKeptIt)}</button></div>
                }.into_any(),
                None => view! { <CreateForm path fields=fields() confirm on_done=done on_cancel=move |()| close() /> }.into_any(),
            }}
        </Dialog>
    }
}

#[component]
pub(crate) fn CreateForm(
    /// Where it is posted.
    path: &'static str,
    fields: Vec<Asked>,
    /// What the button says.
    confirm: Text,
    /// Hears the text of the answer.
    #[prop(into)]
    on_done: Callback<String>,
    #[prop(into)] on_cancel: Callback<()>,
) -> impl IntoView {
    let (refused, sending) = (Refused::new(), RwSignal::new(false));
    let asked = fields.clone();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        // Whoever clicks twice means it once.
        if sending.get_untracked() {
            return;
        }
        sending.set(true);
        refused.clear();
        let pairs = asked
            .iter()
            .filter_map(|field| Some((field.name.to_owned(), field.sent()?)));
        let body = Value::Object(pairs.collect::<Map<_, _>>());
        spawn_local(async move {
            let answer = api::post(path, &body).await;
            // The form may have been left meanwhile.
            if sending.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(reply) => on_done.run(reply.value),
                Err(failure) => refused.set(failure),
            }
        });
    };
    let choices = fields.iter().filter_map(Asked::options).collect::<Vec<_>>();
    let is_loading = move || choices.iter().any(|options| options.read().is_none());
    let fields = fields.into_iter().enumerate().map(|(place, field)| {
        let Asked {
            name,
            label,
            kind,
            required,
            value,
            ..
        } = field;
        match kind {
            Kind::Text(kind) | Kind::Number(kind) => {
                view! { <Field name label value refused kind required autofocus={place == 0} hint=field.hint /> }
                    .into_any()
            }
            Kind::Choice(options) | Kind::List(options) => {
                view! { <Choice name label value refused options /> }.into_any()
            }
        }
    });
    let fields = fields.collect_view();
    view! {
        <form on:submit=submit>
            <FormFailure refused />
            {fields}
            <div class="buttons">
                <button type="button" on:click=move |_| on_cancel.run(())>{move || t(Text::Cancel)}</button>
                <button class="primary" type="submit" disabled=is_loading>{move || t(confirm)}</button>
            </div>
        </form>
    }
}
