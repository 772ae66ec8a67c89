//! The history of one thing: what happened, who did it, and what it changed.

use leptos::prelude::*;
use licet_contracts::{Page, admin::Event};
use serde_json::Value;

use super::{
    load::{load, section},
    show::Moment,
};
use crate::{api::Reply, text::Text, words};

/// A thing's events, newest first. `refresh` says when to look again.
#[component]
pub(crate) fn History(#[prop(into)] path: Signal<String>, #[prop(into)] refresh: Signal<u32>) -> impl IntoView {
    let events = move || {
        refresh.get();
        format!("{}/events?limit=200", path.get())
    };
    let shown = |page: Reply<Page<Event>>| {
        let entries = page.value.items.into_iter().rev().map(entry).collect_view();
        view! { <ol class="history">{entries}</ol> }.into_any()
    };
    section(Text::History, load(events, shown))
}

fn entry(event: Event) -> impl IntoView {
    let who = event
        .actor
        .name
        .clone()
        .unwrap_or_else(|| words::state(&event.actor.kind));
    let fields = fields(&event.data);
    view! {
        <li>
            <p><strong>{words::event(&event.kind)}</strong> " · " {words::plain(&who)} " · " <Moment time=event.recorded_at /></p>
            {(!fields.is_empty()).then(|| view! {
                <dl class="inline">{fields.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_view()}</dl>
            })}
        </li>
    }
}

/// What an event says to people: no ids of the thing itself, not when it happened, and no digests of hardware.
fn fields(data: &Value) -> Vec<(String, String)> {
    let told = data.as_object().into_iter().flatten();
    let told = told.filter(|(name, value)| {
        !name.ends_with("_id") && !["at", "components"].contains(&&name[..]) && !value.is_null()
    });
    told.map(|(name, value)| (name.replace('_', " "), flat(value)))
        .collect()
}

fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => words::plain(text),
        other => words::plain(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_tells_what_changed_and_no_ids() {
        let data = json!({ "license_id": "x", "at": "now", "seats": 3, "reason": "late", "note": null });
        assert_eq!(
            fields(&data),
            [
                ("reason".to_owned(), "late".to_owned()),
                ("seats".to_owned(), "3".to_owned())
            ]
        );
    }
}
