//! `/releases`: what is offered to whom.

use leptos::prelude::*;
use licet_contracts::admin::Release;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog},
        edit::{Edited, Kind},
        listing::{Column, Filter, Listed, Listing},
        load::products,
        manage::{self, ManageButton, ManageDialog, Managing},
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let chosen = manage::provide();
    let managing = Managing {
        permission: "releases.write",
        fields: |now| {
            let percent = now["rollout_percent"].clone();
            let shown = Some(percent.to_string());
            vec![Edited::new("rollout_percent", Text::RolloutPercent, Kind::Percent, shown).undone_by(percent)]
        },
        end: (Text::Yank, Text::YankWhy, Text::ReleaseYanked),
        further: None,
    };
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
            Column::new(Text::Actions, |release| {
                let path = format!("/api/admin/releases/{}", release.id);
                let on_offer = release.status == "published";
                let name = release.version.clone();
                on_offer
                    .then(|| view! { <ManageButton permission="releases.write" path name /> })
                    .into_any()
            }),
            Column::new(Text::CreatedAt, |release: &Release| {
                view! { <Moment time=release.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
            Column::extra(Text::MinVersion, |release| release.min_version.clone().into_any()),
            Column::extra(Text::Note, |release| {
                release.notes.as_deref().map(words::plain).into_any()
            }),
        ],
        filters: vec![
            Filter::typed("product", Text::Product),
            Filter::of("status", Text::Status, &["published", "yanked"]),
        ],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::ReleasesFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Releases).to_owned())>
            <ActionButton label=Text::NewRelease permission="releases.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <ManageDialog chosen managing refresh />
        <CreateDialog open title=Text::NewRelease path="/api/admin/releases" fields=new confirm=Text::Publish refresh />
    }
}

/// What is asked of a new release.
fn new() -> Vec<Asked> {
    vec![
        Asked::choice("product", Text::Product, products()),
        Asked::text("version", Text::Version).required(),
        Asked::percent("rollout_percent", Text::RolloutPercent)
            .with("100")
            .hint(Text::RollOutHint),
        Asked::text("channel", Text::Channel).with("stable"),
        Asked::text("min_version", Text::MinVersion),
        Asked::typed("download_url", Text::DownloadUrl, "url"),
        Asked::text("notes", Text::Notes),
    ]
}
