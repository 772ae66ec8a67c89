//! `/licenses`

use leptos::prelude::*;
use licet_contracts::admin::License;

use crate::{
    parts::{
        action::ActionLink,
        listing::{Act, Back, Column, Filter, Listed, Listing, Picking},
        show::{MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

/// How a license can stand.
pub(crate) const STATES: [&str; 5] = ["active", "suspended", "revoked", "expired", "not_yet_valid"];

/// The columns of licenses, wherever they are listed.
pub(crate) fn columns() -> Vec<Column<License>> {
    vec![
        Column::new(Text::Key, |license| {
            view! { <a href=format!("/licenses/{}", license.id)>{license.key_masked.clone()}</a> }.into_any()
        }),
        Column::new(Text::Customer, |license| {
            let name = license
                .customer
                .as_deref()
                .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
            view! { <a href=format!("/customers/{}", license.customer_id)>{name}</a> }.into_any()
        }),
        Column::new(Text::Status, |license| {
            view! { <State code=license.status.clone() /> }.into_any()
        }),
        Column::new(Text::Product, |license| license.product.clone().into_any()),
        Column::new(Text::Policy, |license| license.policy.clone().into_any()),
        Column::new(Text::Seats, |license| {
            format!("{} / {}", license.active, license.seats).into_any()
        }),
        Column::new(Text::ExpiresAt, |license: &License| {
            view! { <MaybeMoment time=license.expires_at.clone() /> }.into_any()
        })
        .sorted("expires_at"),
        Column::extra(Text::LastSeen, |license: &License| {
            view! { <MaybeMoment time=license.last_seen_at.clone() /> }.into_any()
        })
        .sorted("last_seen_at"),
        Column::extra(Text::IssuedAt, |license: &License| {
            view! { <Moment time=license.created_at.clone() /> }.into_any()
        })
        .sorted("issued_at"),
        Column::extra(Text::Note, |license| {
            license.note.as_deref().map(words::plain).into_any()
        }),
    ]
}

#[component]
pub(crate) fn Page() -> impl IntoView {
    let listed = Listed {
        path: "/api/admin/licenses",
        caption: Text::Licenses,
        columns: columns(),
        filters: vec![
            Filter::of("status", Text::Status, &STATES),
            Filter::typed("product", Text::Product),
            Filter::typed("policy", Text::Policy),
            Filter::day("expires_before", Text::ExpiresBefore),
            Filter::day("expires_after", Text::ExpiresAfter),
            Filter::typed("seats_free", Text::SeatsFree),
        ],
        searched: true,
        sort: Some("issued_at"),
        first_step: Text::LicensesFirst,
    };
    let suspend = Back {
        verb: "suspend",
        applies: |status| !matches!(status, "suspended" | "revoked" | "retired"),
    };
    let resume = Back {
        verb: "resume",
        applies: |status| status == "suspended",
    };
    let act = |label, order: Back, back| Act {
        label,
        permission: "licenses.write",
        verb: order.verb,
        applies: order.applies,
        back: Some(back),
    };
    let picking = Picking {
        id: |license: &License| license.id.clone(),
        label: |license| license.key_masked.clone(),
        acts: vec![act(Text::Suspend, suspend, resume), act(Text::Resume, resume, suspend)],
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Licenses).to_owned())>
            <ActionLink label=Text::NewLicense permission="licenses.issue" href="/licenses/new" />
        </Title>
        <Listing listed picking />
    }
}
