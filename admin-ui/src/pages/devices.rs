//! `/devices`: the machines of all licenses.

use leptos::prelude::*;
use licet_contracts::admin::Activation;

use crate::{
    parts::{
        listing::{Column, Filter, Listed, Listing},
        show::{Copy, MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let listed = Listed::<Activation> {
        path: "/api/admin/activations",
        caption: Text::Devices,
        columns: vec![
            Column::new(Text::Hostname, |device| {
                let name = device.machine.hostname.as_deref();
                let name = name.map_or_else(|| t(Text::Unnamed).to_owned(), words::plain);
                view! { <a href=format!("/licenses/{}", device.license_id)>{name}</a> }.into_any()
            }),
            Column::new(Text::Status, |device| {
                view! { <State code=device.machine.status.clone() /> }.into_any()
            }),
            Column::new(Text::LastSeen, |device| {
                view! { <MaybeMoment time=device.machine.last_seen_at.clone() /> }.into_any()
            }),
            Column::new(Text::Customer, customer),
            Column::new(Text::Product, |device| device.product.clone().into_any()),
            Column::new(Text::Version, |device| device.machine.app_version.clone().into_any()),
            Column::new(Text::System, |device| {
                device.machine.os.as_deref().map(words::plain).into_any()
            }),
            Column::new(Text::Activated, |device: &Activation| {
                view! { <Moment time=device.machine.activated_at.clone() /> }.into_any()
            })
            .sorted("activated_at"),
            Column::extra(Text::Key, |device| {
                view! { <code>{device.key_masked.clone()}</code> }.into_any()
            }),
            Column::extra(Text::Id, |device| {
                view! { <Copy text=device.machine.activation_id.clone() /> }.into_any()
            }),
        ],
        filters: vec![
            Filter::of("status", Text::Status, &["active", "silent", "deactivated"]),
            Filter::typed("os", Text::System),
            Filter::typed("app_version", Text::Version),
            Filter::day("last_seen_before", Text::SilentSince),
        ],
        searched: false,
        sort: Some("activated_at"),
        first_step: Text::DevicesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Devices).to_owned()) />
        <Listing listed />
    }
}

fn customer(device: &Activation) -> AnyView {
    let Some(id) = &device.customer_id else {
        return ().into_any();
    };
    let name = device.customer.as_deref();
    let name = name.map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    view! { <a href=format!("/customers/{id}")>{name}</a> }.into_any()
}
