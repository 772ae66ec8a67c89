//! `/audit`: who did what to what.

mod verify;

use leptos::prelude::*;
use licet_contracts::admin::AuditEntry;
use verify::{Verified, VerifyButton, Walk};

use crate::{
    parts::{
        listing::{Column, Filter, Listed, Listing},
        show::{Copy, Moment},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let walk = RwSignal::new(Walk::default());
    let listed = Listed::<AuditEntry> {
        path: "/api/admin/audit",
        caption: Text::AuditLog,
        columns: vec![
            Column::new(Text::When, |entry| {
                view! { <Moment time=entry.recorded_at.clone() /> }.into_any()
            }),
            Column::new(Text::What, |entry| target(entry).into_any()),
            Column::new(Text::Who, |entry| {
                let kind = words::event(&entry.actor.kind);
                let name = entry.actor.name.as_deref().map(words::plain);
                view! { {name.unwrap_or_default()} " " <span class="quiet">{kind}</span> }.into_any()
            }),
            Column::new(Text::Address, |entry| entry.client_address.clone().into_any()),
            Column::new(Text::Position, |entry| entry.position.into_any()),
            Column::extra(Text::Browser, |entry| {
                entry.user_agent.as_deref().map(words::plain).into_any()
            }),
            Column::extra(Text::RequestId, |entry| {
                view! { <Copy text=entry.request_id.clone() /> }.into_any()
            }),
            Column::extra(Text::Action, |entry| {
                view! { <code>{entry.action.clone()}</code> }.into_any()
            }),
        ],
        filters: vec![
            Filter::typed("action", Text::Action),
            Filter::typed("aggregate_id", Text::ThingId),
        ],
        searched: false,
        sort: None,
        first_step: Text::AuditFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::AuditLog).to_owned())>
            <VerifyButton walk />
        </Title>
        <Verified walk />
        <Listing listed />
    }
}

/// What happened, with the way to what it happened to.
pub(crate) fn target(entry: &AuditEntry) -> impl IntoView + use<> {
    let words = words::event(&entry.action);
    let room = match &entry.aggregate_type[..] {
        "license" => Some("licenses"),
        "customer" => Some("customers"),
        _ => None,
    };
    match room {
        Some(room) => view! { <a href=format!("/{room}/{}", entry.aggregate_id)>{words}</a> }.into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    }
}
