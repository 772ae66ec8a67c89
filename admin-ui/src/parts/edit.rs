//! A form over what can be changed of one thing: it sends what was changed and offers the way back. Where someone else has
//! changed the thing meanwhile, it shows field by field what each says, and nothing that was typed is lost.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};

use super::{
    failure::sentence,
    field::{Field, FormFailure, Refused},
    leaving,
    toast::{ToastList, toasts},
};
use crate::{
    api,
    text::{Text, t},
    words,
};

/// How a field is typed and sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text that there has to be.
    Text,
    /// Text that there may be.
    Optional,
    Email,
    Number,
    /// A number that there may be.
    MaybeNumber,
    /// 0 to 100.
    Percent,
    /// A day: its beginning in UTC; none is never.
    Day,
}

/// A field, and what it is now.
#[derive(Clone, Copy)]
pub(crate) struct Edited {
    /// As the API calls it.
    name: &'static str,
    label: Text,
    kind: Kind,
    /// As it was read, and as it is sent where that is taken back.
    before: RwSignal<String>,
    undone: StoredValue<Value>,
    typed: RwSignal<String>,
    /// What someone else has made of it, where it was changed here too.
    theirs: RwSignal<Option<String>>,
}

impl Edited {
    pub(crate) fn new(name: &'static str, label: Text, kind: Kind, now: Option<String>) -> Self {
        let undone = StoredValue::new(now.clone().map_or(Value::Null, Value::from));
        let now = shown(kind, now.unwrap_or_default());
        Self {
            name,
            label,
            kind,
            undone,
            before: RwSignal::new(now.clone()),
            typed: RwSignal::new(now),
            theirs: RwSignal::new(None),
        }
    }

    /// What is sent to take a change back, where that is not what is shown.
    pub(crate) fn undone_by(self, value: impl Into<Value>) -> Self {
        self.undone.set_value(value.into());
        self
    }

    fn is_changed(&self) -> bool {
        *self.before.read() != *self.typed.read()
    }

    /// As the API takes it. What is no number is for the server to refuse, in its own words.
    fn sent(&self, text: &str) -> Value {
        let text = text.trim();
        match self.kind {
            Kind::Optional | Kind::Day | Kind::MaybeNumber if text.is_empty() => Value::Null,
            Kind::Number | Kind::MaybeNumber | Kind::Percent => {
                text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
            }
            Kind::Day => Value::from(format!("{text}T00:00:00Z")),
            Kind::Text | Kind::Optional | Kind::Email => Value::from(text),
        }
    }

    /// Takes over what the thing is now: what was not touched here follows, what was stays and is shown beside it.
    fn meet(&self, now: &Value) {
        self.undone.set_value(now[self.name].clone());
        let now = match &now[self.name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let now = shown(self.kind, now);
        if now == self.before.get_untracked() {
            return;
        }
        if self.typed.get_untracked() == self.before.get_untracked() {
            self.typed.set(now.clone());
        } else if self.typed.get_untracked() != now {
            self.theirs.set(Some(now.clone()));
        }
        self.before.set(now);
    }
}

fn shown(kind: Kind, text: String) -> String {
    if kind == Kind::Day {
        text.chars().take(10).collect()
    } else {
        text
    }
}

/// What was changed of a thing, as it is sent.
pub(crate) fn changes(fields: &[Edited]) -> Value {
    body(fields, |field| field.sent(&field.typed.get_untracked()))
}

/// What was changed, with what is sent of each.
fn body(fields: &[Edited], value: impl Fn(&Edited) -> Value) -> Value {
    let changed = fields.iter().filter(|field| untrack(|| field.is_changed()));
    let pairs = changed.map(|field| (field.name.to_owned(), value(field)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[component]
pub(crate) fn EditForm(
    path: String,
    etag: String,
    fields: Vec<Edited>,
    /// Told once something was changed.
    again: RwSignal<u32>,
    editing: RwSignal<bool>,
) -> impl IntoView {
    // Whether someone else was faster, and whether an answer is waited for.
    let (met, sending) = (RwSignal::new(false), RwSignal::new(false));
    let (refused, toasts, etag) = (Refused::new(), toasts(), RwSignal::new(etag));
    let fields = StoredValue::new(fields);
    let dirty = move || fields.with_value(|fields| fields.iter().any(Edited::is_changed));
    leaving::ask_before(Signal::derive(dirty));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (path, fields) = (path.clone(), fields.get_value());
        // Whoever clicks twice means it once.
        if sending.get_untracked() {
            return;
        }
        let changes = changes(&fields);
        let back = body(&fields, |field| field.undone.get_value());
        if changes == Value::Object(Map::new()) {
            editing.set(false);
            return;
        }
        sending.set(true);
        spawn_local(async move {
            refused.clear();
            met.set(false);
            let sent = api::patch(&path, &etag.get_untracked(), &changes).await;
            // The form may have been left meanwhile.
            if sending.try_set(false).is_some() {
                return;
            }
            match sent {
                Ok(reply) => {
                    editing.set(false);
                    again.update(|count| *count += 1);
                    toasts.say_with_undo(t(Text::Saved), move || {
                        put_back(path.clone(), reply.etag.clone(), back.clone(), toasts, again);
                    });
                }
                Err(failure) if failure.status == 412 => match api::fetch(&path).await {
                    Ok(_) if sending.try_get_untracked().is_none() => {}
                    Ok(now) => {
                        etag.set(now.etag);
                        let now = serde_json::from_str(&now.value).unwrap_or_default();
                        fields.iter().for_each(|field| field.meet(&now));
                        met.set(true);
                    }
                    Err(failure) => refused.set(failure),
                },
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <form class="card" on:submit=submit>
            <FormFailure refused />
            {move || met.get().then(|| view! {
                <div class="failure" role="alert"><p>{t(Text::ChangedMeanwhile)}</p><Clashes fields /></div>
            })}
            {fields.get_value().into_iter().enumerate().map(|(place, field)| {
                let kind = match field.kind {
                    Kind::Text | Kind::Optional => "text",
                    Kind::Email => "email",
                    Kind::Number | Kind::MaybeNumber => "number",
                    Kind::Percent => "range",
                    Kind::Day => "date",
                };
                let required = matches!(field.kind, Kind::Text | Kind::Email | Kind::Number);
                view! { <Field name=field.name label=field.label value=field.typed refused kind required autofocus={place == 0} /> }
            }).collect_view()}
            <div class="buttons">
                <button type="button" on:click=move |_| editing.set(false)>{move || t(Text::Cancel)}</button>
                <button class="primary" type="submit">{move || t(Text::Save)}</button>
            </div>
        </form>
    }
}

/// What two people have made of the same fields.
#[component]
fn Clashes(fields: StoredValue<Vec<Edited>>) -> impl IntoView {
    move || {
        let clashing = |field: &Edited| field.theirs.get().map(|theirs| (*field, theirs));
        let clashes: Vec<_> = fields.with_value(|fields| fields.iter().filter_map(clashing).collect());
        (!clashes.is_empty()).then(|| {
            view! {
                <table class="clashes">
                    <caption>{t(Text::BothChanged)}</caption>
                    <thead><tr><th scope="col">{t(Text::FieldName)}</th><th scope="col">{t(Text::Theirs)}</th><th scope="col">{t(Text::Yours)}</th><th scope="col">{t(Text::Actions)}</th></tr></thead>
                    <tbody>{clashes.into_iter().map(|(field, theirs)| {
                        let taken = theirs.clone();
                        let take = move |_| {
                            field.typed.set(taken.clone());
                            field.theirs.set(None);
                        };
                        view! {
                            <tr>
                                <th scope="row">{t(field.label)}</th>
                                <td>{words::plain(&theirs)}</td>
                                <td>{move || words::plain(&field.typed.read())}</td>
                                <td><button type="button" class="link" on:click=take>{t(Text::TakeTheirs)}</button></td>
                            </tr>
                        }
                    }).collect_view()}</tbody>
                </table>
            }
        })
    }
}

fn put_back(path: String, etag: String, body: Value, toasts: ToastList, again: RwSignal<u32>) {
    spawn_local(async move {
        match api::patch(&path, &etag, &body).await {
            Ok(_) => {
                again.update(|count| *count += 1);
                toasts.say(t(Text::Undone));
            }
            Err(failure) => toasts.say(sentence(&failure)),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_changed_is_shown_and_what_one_changed_is_kept() {
        let owner = Owner::new();
        owner.set();
        let fields = ["name", "company", "email"]
            .map(|name| Edited::new(name, Text::Name, Kind::Optional, Some("before".to_owned())));
        let [name, company, email] = &fields;
        name.typed.set("mine".to_owned());
        company.typed.set("mine".to_owned());
        let now = serde_json::json!({ "name": "theirs", "company": "before", "email": "theirs" });
        fields.iter().for_each(|field| field.meet(&now));
        assert_eq!(name.theirs.get_untracked().as_deref(), Some("theirs"));
        assert_eq!(name.typed.get_untracked(), "mine");
        assert_eq!(
            (company.theirs.get_untracked(), company.typed.get_untracked()),
            (None, "mine".to_owned())
        );
        assert_eq!(
            (email.theirs.get_untracked(), email.typed.get_untracked()),
            (None, "theirs".to_owned())
        );
        let sent = body(&fields, |field| field.sent(&field.typed.get_untracked()));
        assert_eq!(
            sent,
            serde_json::json!({ "name": "mine", "company": "mine" }),
            "only what is changed here"
        );
    }

    #[test]
    fn fields_are_sent_as_the_api_takes_them() {
        let of = |kind, text: &str| Edited::new("field", Text::Name, kind, None).sent(text);
        let owner = Owner::new();
        owner.set();
        assert_eq!(of(Kind::Number, " 5 "), Value::from(5));
        assert_eq!(of(Kind::Number, "many"), Value::from("many"));
        assert_eq!(of(Kind::Day, "2030-01-01"), Value::from("2030-01-01T00:00:00Z"));
        assert_eq!((of(Kind::Day, ""), of(Kind::Optional, " ")), (Value::Null, Value::Null));
        assert_eq!(of(Kind::Text, ""), Value::from(""));
    }
}
