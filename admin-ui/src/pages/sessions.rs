//! `/sessions`: who is signed in, and was.

use leptos::prelude::*;
use licet_contracts::admin::Session;

use crate::{
    parts::{
        action::ActionButton,
        listing::{Column, Filter, Listed, Listing},
        order::Orders,
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

/// The columns of sessions; the last ends one.
pub(crate) fn columns(end: fn(&Session) -> AnyView) -> Vec<Column<Session>> {
    vec![
        Column::new(Text::Operator, |session| {
            session.operator.name.as_deref().map(words::plain).into_any()
        }),
        Column::new(Text::Status, |session| {
            let current = session
                .current
                .then(|| view! { " " <span class="quiet">{move || t(Text::ThisOne)}</span> });
            view! { <State code=session.status.clone() /> {current} }.into_any()
        }),
        Column::new(Text::Address, |session| session.address.clone().into_any()),
        Column::new(Text::StartedAt, |session| {
            view! { <Moment time=session.started_at.clone() /> }.into_any()
        }),
        Column::new(Text::LastSeen, |session| {
            view! { <Moment time=session.last_seen_at.clone() /> }.into_any()
        }),
        Column::new(Text::HowItEnded, |session| {
            let reason = session.end_reason.as_deref().map(words::state).unwrap_or_default();
            let by = session.ended_by.as_ref().and_then(|by| by.name.clone());
            let by = by.map(|by| format!(" · {}", words::plain(&by))).unwrap_or_default();
            format!("{reason}{by}").into_any()
        }),
        Column::new(Text::Actions, end),
        Column::extra(Text::Browser, |session| {
            session.user_agent.as_deref().map(words::plain).into_any()
        }),
    ]
}

#[component]
pub(crate) fn Page() -> impl IntoView {
    let refresh = RwSignal::new(0_u32);
    Orders::provide(refresh);
    let listed = Listed {
        path: "/api/admin/sessions",
        caption: Text::Sessions,
        columns: columns(|session| {
            view! { <End path=format!("/api/admin/sessions/{}", session.id) ended={session.status == "ended"} permission="sessions.write" /> }.into_any()
        }),
        filters: vec![Filter::of("status", Text::Status, &["live", "all"])],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::NothingYet,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Sessions).to_owned()) />
        <Listing listed refresh />
    }
}

/// Ends a session that lives.
#[component]
pub(crate) fn End(
    /// The session, in its collection.
    path: String,
    ended: bool,
    permission: &'static str,
) -> impl IntoView {
    let orders = Orders::of_list();
    let end = move |()| orders.delete(&path, None, Text::SessionEnded);
    (!ended).then(|| view! { <ActionButton label=Text::EndSession permission class="link" on_click=end /> })
}
