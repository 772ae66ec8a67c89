//! `/releases`

use leptos::prelude::*;
use licet_contracts::admin::Release;

use crate::{
    parts::{
        listing::{Column, Listed, Listing},
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let listed = Listed::<Release> {
        path: "/api/admin/releases",
        caption: Text::Releases,
        columns: vec![
            Column::new(Text::Version, |release| release.version.clone().into_any()),
            Column::new(Text::Channel, |release| release.channel.clone().into_any()),
            Column::new(Text::RollOut, |release| {
                format!("{} %", release.rollout_percent).into_any()
            }),
            Column::new(Text::Status, |release| {
                view! { <State code=release.status.clone() /> }.into_any()
            }),
            Column::new(Text::CreatedAt, |release: &Release| {
                view! { <Moment time=release.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
            Column::extra(Text::Note, |release| {
                release.notes.as_deref().map(words::plain).into_any()
            }),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::ReleasesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Releases).to_owned()) />
        <Listing listed />
    }
}
