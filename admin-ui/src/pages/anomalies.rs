//! `/anomalies`: what looks wrong, what shows it, and what somebody made of it.

use leptos::prelude::*;
use licet_contracts::anomaly::Anomaly;
use serde_json::Value;

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

#[component]
pub(crate) fn Page() -> impl IntoView {
    let refresh = RwSignal::new(0_u32);
    Orders::provide(refresh);
    let listed = Listed::<Anomaly> {
        path: "/api/admin/anomalies",
        caption: Text::Anomalies,
        columns: vec![
            Column::new(Text::What, |anomaly| words::event(&anomaly.rule).into_any()),
            Column::new(Text::Severity, |anomaly| code(&anomaly.severity)),
            Column::new(Text::Status, |anomaly| code(&anomaly.state)),
            Column::new(Text::License, |anomaly| {
                let license = anomaly.license_id.clone();
                let link = |id| view! { <a href=format!("/licenses/{id}")>{move || t(Text::Open)}</a> };
                license.map(link).into_any()
            }),
            Column::new(Text::Why, |anomaly| {
                let shown = anomaly.facts.iter().map(|(name, value)| {
                    let value = value.as_str().map_or_else(|| value.to_string(), words::plain);
                    format!("{} {value}", name.replace('_', " "))
                });
                shown.collect::<Vec<_>>().join(" · ").into_any()
            }),
            Column::new(Text::Found, |anomaly: &Anomaly| {
                view! { <Moment time=anomaly.found_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
            Column::new(Text::Actions, |anomaly| {
                let open = anomaly.state == "open";
                let (acknowledge, dismiss, reopen) = ("acknowledge", "dismiss", "reopen");
                if open {
                    view! {
                        <Judge id=anomaly.id.clone() verb=acknowledge label=Text::Acknowledge />
                        <Judge id=anomaly.id.clone() verb=dismiss label=Text::Dismiss />
                    }
                    .into_any()
                } else {
                    view! { <Judge id=anomaly.id.clone() verb=reopen label=Text::Reopen /> }.into_any()
                }
            }),
            Column::extra(Text::Reason, |anomaly| {
                anomaly.reason.as_deref().map(words::plain).into_any()
            }),
        ],
        filters: vec![Filter::of("dismissed", Text::DismissedToo, &["true"])],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::AnomaliesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Anomalies).to_owned()) />
        <Listing listed refresh />
    }
}

fn code(value: &Value) -> AnyView {
    view! { <State code=value.as_str().unwrap_or_default().to_owned() /> }.into_any()
}

#[component]
fn Judge(id: String, verb: &'static str, label: Text) -> impl IntoView {
    let orders = Orders::of_list();
    let path = format!("/api/admin/anomalies/{id}/{verb}");
    let judge = move |()| orders.post(&path, Text::Saved);
    view! { <ActionButton label permission="anomalies.write" class="link" on_click=judge /> }
}
