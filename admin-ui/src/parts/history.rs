//! The history of one thing: what happened, who did it, and what it changed.

use std::collections::BTreeMap;

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
        format!("{}/events?limit=200&latest=true", path.get())
    };
    let shown = |page: Reply<Page<Event>>| {
        let mut known = BTreeMap::new();
        let entries = page.value.items.into_iter().map(|event| entry(event, &mut known));
        let mut entries: Vec<_> = entries.collect();
        entries.reverse();
        view! { <ol class="history">{entries}</ol> }.into_any()
    };
    section(Text::History, load(events, shown))
}

/// What a thing's fields were, by the events so far.
type Known = BTreeMap<String, String>;

/// What one event did to one field.
#[derive(Debug, PartialEq)]
struct Change {
    name: String,
    before: Option<String>,
    after: String,
}

fn entry(event: Event, known: &mut Known) -> AnyView {
    let who = event
        .actor
        .name
        .clone()
        .unwrap_or_else(|| words::state(&event.actor.kind));
    let changes = changes(&event.kind, &event.data, known);
    let changes = changes.into_iter().map(|change| {
        let before = change
            .before
            .map(|before| view! { <del>{readable(&before)}</del> " → " });
        view! { <dt>{change.name}</dt><dd>{before}{readable(&change.after)}</dd> }
    });
    let changes = changes.collect_view();
    view! {
        <li>
            <p><strong>{words::event(&event.kind)}</strong> " · " {words::plain(&who)} " · " <Moment time=event.recorded_at /></p>
            <dl class="inline">{changes}</dl>
        </li>
    }
    .into_any()
}

/// What an event says to people. One that tells all of a thing, as edits do, says what it changed.
fn changes(kind: &str, data: &Value, known: &mut Known) -> Vec<Change> {
    let mut told = Known::new();
    flatten("", data, &mut told);
    let verb = kind.rsplit('.').next().unwrap_or_default();
    let tells_all = ["created", "issued", "published", "edited", "renewed", "rolled_out"].contains(&verb);
    if !tells_all {
        let plain = told.into_iter().filter(|(_, after)| !after.is_empty());
        return plain
            .map(|(name, after)| Change {
                name,
                before: None,
                after,
            })
            .collect();
    }
    let mut changes = Vec::new();
    for (name, after) in told {
        let before = known.insert(name.clone(), after.clone());
        let is_news = before.as_ref() != Some(&after) && !(before.is_none() && after.is_empty());
        if is_news {
            changes.push(Change { name, before, after });
        }
    }
    changes
}

/// The fields of an event: no ids of the thing itself, not when it happened, and no digests of hardware.
fn flatten(above: &str, data: &Value, told: &mut Known) {
    for (name, value) in data.as_object().into_iter().flatten() {
        if name.ends_with("_id") || ["at", "components"].contains(&&name[..]) {
            continue;
        }
        let name = format!("{above}{}", name.replace('_', " "));
        match value {
            Value::Object(_) => flatten(&format!("{name} "), value, told),
            Value::String(text) => drop(told.insert(name, text.clone())),
            Value::Null => drop(told.insert(name, String::new())),
            other => drop(told.insert(name, other.to_string())),
        }
    }
}

/// A value as people read it: moments in their own time, and nothing as a dash.
fn readable(text: &str) -> String {
    let is_moment = text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    match text {
        "" => "–".to_owned(),
        _ if is_moment => words::moment(text),
        _ => words::plain(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(name: &str, before: Option<&str>, after: &str) -> Change {
        Change {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.to_owned(),
        }
    }

    #[test]
    fn an_event_tells_what_it_changed_and_no_ids() {
        let mut known = Known::new();
        let issued = json!({ "license_id": "x", "at": "now", "overrides": { "seats": 3 }, "note": null });
        assert_eq!(
            changes("license.issued", &issued, &mut known),
            [change("overrides seats", None, "3")]
        );
        let activated = json!({ "hostname": "here", "components": ["digest"], "os": null });
        assert_eq!(
            changes("license.activated", &activated, &mut known),
            [change("hostname", None, "here")]
        );
        let edited = json!({ "overrides": { "seats": 5 }, "note": "late" });
        assert_eq!(
            changes("license.edited", &edited, &mut known),
            [
                change("note", Some(""), "late"),
                change("overrides seats", Some("3"), "5")
            ]
        );
    }
}
