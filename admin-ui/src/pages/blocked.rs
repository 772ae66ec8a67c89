//! `/blocked`: from where nobody signs in.

use leptos::prelude::*;
use licet_contracts::admin::BlockedAddress;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog},
        listing::{Column, Listed, Listing},
        order::Orders,
        show::{MaybeMoment, Moment, State},
        title::Title,
    },
    session::me,
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (me, open, refresh) = (me(), RwSignal::new(false), RwSignal::new(0_u32));
    Orders::provide(refresh);
    let listed = Listed::<BlockedAddress> {
        path: "/api/admin/blocked-addresses",
        caption: Text::BlockedAddresses,
        columns: vec![
            Column::new(Text::Network, |block| {
                view! { <code>{block.network.clone()}</code> }.into_any()
            }),
            Column::new(Text::Status, |block| {
                view! { <State code=block.status.clone() /> }.into_any()
            }),
            Column::new(Text::Reason, |block| {
                let reason = block.reason.as_deref().map(words::plain);
                let by_itself = block.automatic.then(|| format!(" ({})", t(Text::ByItself)));
                view! { {reason} {by_itself} }.into_any()
            }),
            Column::new(Text::Since, |block| {
                view! { <Moment time=block.blocked_at.clone() /> }.into_any()
            }),
            Column::new(Text::Until, |block| {
                view! { <MaybeMoment time=block.until.clone() none=Text::UntilUnblocked /> }.into_any()
            }),
            Column::new(Text::Actions, |block| {
                let live = block.status == "blocked";
                live.then(|| view! { <Unblock id=block.id.clone() /> }).into_any()
            }),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::BlockedFirst,
    };
    let seen_as = move || me.session().and_then(|session| session.address);
    view! {
        <Title text=Signal::derive(|| t(Text::BlockedAddresses).to_owned())>
            <ActionButton label=Text::BlockAddress permission="blocked_addresses.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        {move || seen_as().map(|address| view! { <p>{move || t(Text::YouAreSeenAs)} " " <code>{address}</code></p> })}
        <Listing listed refresh />
        <CreateDialog open title=Text::BlockAddress path="/api/admin/blocked-addresses" fields=new confirm=Text::BlockAddress said=Text::AddressBlocked refresh />
    }
}

#[component]
fn Unblock(id: String) -> impl IntoView {
    let orders = Orders::of_list();
    let path = format!("/api/admin/blocked-addresses/{id}");
    let unblock = move |()| orders.delete(&path, None, Text::AddressUnblocked);
    view! { <ActionButton label=Text::Unblock permission="blocked_addresses.write" class="link" on_click=unblock /> }
}

/// What is asked of an address to block.
fn new() -> Vec<Asked> {
    vec![
        Asked::text("network", Text::Network).required().hint(Text::NetworkHint),
        Asked::text("reason", Text::Reason),
    ]
}
