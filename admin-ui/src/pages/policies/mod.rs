//! `/policies`

mod what_if;

use leptos::prelude::*;
use licet_contracts::admin::Policy;
use serde_json::Value;

use what_if::WhatIf;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog},
        edit::{Edited, Kind},
        listing::{Column, Filter, IN_USE, Listed, Listing},
        load::products,
        manage::{self, ManageButton, ManageDialog, Managing},
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let chosen = manage::provide();
    let managing = Managing {
        permission: "policies.write",
        fields,
        end: (Text::Retire, Text::RetirePolicyWhy, Text::RetiredNow),
        further: Some(|path, fields| view! { <WhatIf path fields /> }.into_any()),
    };
    let listed = Listed::<Policy> {
        path: "/api/admin/policies",
        caption: Text::Policies,
        columns: vec![
            Column::new(Text::Code, |policy| {
                view! { <code>{policy.code.clone()}</code> }.into_any()
            }),
            Column::new(Text::Seats, |policy| policy.seats.into_any()),
            Column::new(Text::DurationDays, |policy| match policy.duration_days {
                Some(days) => days.into_any(),
                None => view! { <span class="quiet">{move || t(Text::ForEver)}</span> }.into_any(),
            }),
            Column::new(Text::LeaseDays, |policy| policy.lease_days.into_any()),
            Column::new(Text::Floating, |policy| {
                t(if policy.floating { Text::Yes } else { Text::No }).into_any()
            }),
            Column::new(Text::Status, |policy| {
                view! { <State code=policy.status.clone() /> }.into_any()
            }),
            Column::new(Text::Actions, |policy| {
                let path = format!("/api/admin/policies/{}", policy.id);
                let in_use = policy.status == "active";
                let name = policy.code.clone();
                in_use
                    .then(|| view! { <ManageButton permission="policies.write" path name /> })
                    .into_any()
            }),
            Column::extra(Text::GraceDaysField, |policy| policy.grace_days.into_any()),
            Column::extra(Text::Version, |policy| policy.version.into_any()),
            Column::extra(Text::CreatedAt, |policy: &Policy| {
                view! { <Moment time=policy.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![Filter::of("status", Text::Status, &IN_USE)],
        searched: true,
        sort: Some("created_at"),
        first_step: Text::PoliciesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Policies).to_owned())>
            <ActionButton label=Text::NewPolicy permission="policies.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <ManageDialog chosen managing refresh />
        <CreateDialog open title=Text::NewPolicy path="/api/admin/policies" fields=new refresh />
    }
}

/// What can be changed of a policy.
fn fields(now: &Value) -> Vec<Edited> {
    let of = |name, label, kind| {
        let now = &now[name];
        Edited::new(name, label, kind, (!now.is_null()).then(|| now.to_string())).undone_by(now.clone())
    };
    vec![
        of("seats", Text::Seats, Kind::Number),
        of("duration_days", Text::DurationDays, Kind::MaybeNumber),
        of("grace_days", Text::GraceDaysField, Kind::Number),
        of("lease_days", Text::LeaseDays, Kind::Number),
        of("max_transfers", Text::MaxTransfers, Kind::MaybeNumber),
        of("heartbeat_interval_seconds", Text::HeartbeatInterval, Kind::Number),
    ]
}

/// What is asked of a new policy; the rest has its defaults.
fn new() -> Vec<Asked> {
    vec![
        Asked::text("code", Text::Code).required().hint(Text::CodeOfThingHint),
        Asked::choice("product", Text::Product, products()),
        Asked::number("seats", Text::Seats).required(),
        Asked::number("duration_days", Text::DurationDays).hint(Text::DurationHint),
    ]
}
