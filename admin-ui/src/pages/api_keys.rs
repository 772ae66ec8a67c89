//! `/api-keys`

use leptos::prelude::*;
use licet_contracts::admin::ApiKey;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog, ToldOnce, one_of},
        listing::{Column, Listed, Listing},
        show::{MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

/// The key itself.
const SECRET: ToldOnce = ToldOnce {
    why: Text::KeyShownOnce,
    name: "key",
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let listed = Listed::<ApiKey> {
        path: "/api/admin/api-keys",
        caption: Text::ApiKeys,
        columns: vec![
            Column::new(Text::Name, |key| words::plain(&key.name).into_any()),
            Column::new(Text::Prefix, |key| {
                view! { <code>{key.prefix.clone()}"…"</code> }.into_any()
            }),
            Column::new(Text::Scopes, |key| key.scopes.join(", ").into_any()),
            Column::new(Text::Status, |key| {
                view! { <State code=key.status.clone() /> }.into_any()
            }),
            Column::new(Text::LastUsed, |key| {
                view! { <MaybeMoment time=key.last_used_at.clone() /> }.into_any()
            }),
            Column::new(Text::ExpiresAt, |key| {
                view! { <MaybeMoment time=key.expires_at.clone() /> }.into_any()
            }),
            Column::extra(Text::CreatedAt, |key: &ApiKey| {
                view! { <Moment time=key.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::ApiKeysFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::ApiKeys).to_owned())>
            <ActionButton label=Text::NewApiKey permission="api_keys.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <CreateDialog open title=Text::NewApiKey path="/api/admin/api-keys" fields=new told_once=SECRET refresh />
    }
}

/// What is asked of a new key.
fn new() -> Vec<Asked> {
    vec![
        Asked::text("name", Text::Name).required(),
        Asked::list("scopes", Text::Scopes, one_of(&["client", "read", "admin"])),
    ]
}
