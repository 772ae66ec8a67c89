//! `/backups`: which there are, what is being done about them, and what becomes of it.

use std::time::Duration;

use leptos::prelude::*;
use licet_contracts::{
    Page as Items,
    admin::{Backup, BackupPlan, BackupRun},
};

use crate::{
    export::download,
    parts::{
        action::{ActionButton, Irreversible},
        listing::{Column, Listed, Listing},
        load::{load, section},
        order::Orders,
        show::{Fact, MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

const BACKUPS: &str = "/api/admin/backups";
/// How soon something that runs is looked at again.
const SOON: Duration = Duration::from_millis(1_500);

/// Which backup is about to be deleted.
#[derive(Clone, Copy)]
struct Deleting(RwSignal<Option<String>>);

#[component]
pub(crate) fn Page() -> impl IntoView {
    let refresh = RwSignal::new(0_u32);
    let deleting = Deleting(RwSignal::new(None));
    Orders::provide(refresh);
    provide_context(deleting);
    let orders = Orders::of_list();
    let listed = Listed::<Backup> {
        path: BACKUPS,
        caption: Text::Backups,
        columns: columns(),
        filters: vec![],
        searched: false,
        sort: None,
        first_step: Text::BackupsFirst,
    };
    let asking = RwSignal::new(false);
    Effect::new(move || asking.set(deleting.0.read().is_some()));
    let word = Signal::derive(move || deleting.0.get().unwrap_or_default());
    let delete = move |()| {
        if let Some(id) = deleting.0.get_untracked() {
            orders.delete(&format!("{BACKUPS}/{id}"), None, Text::BackupDeleted);
        }
        deleting.0.set(None);
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Backups).to_owned())>
            <ActionButton label=Text::MakeBackup permission="backups.write" class="primary" on_click=move |()| orders.post(BACKUPS, Text::BackupBegun) />
        </Title>
        {load(|| format!("{BACKUPS}/plan"), |reply| plan(reply.value))}
        <Listing listed refresh />
        {section(Text::BackupRuns, runs(refresh))}
        <Irreversible open=asking title=Text::DeleteBackup explanation=Text::DeleteBackupWhy word on_confirm=delete />
    }
}

fn plan(plan: BackupPlan) -> AnyView {
    let hours = |hours: Option<i64>| match hours {
        Some(hours) => view! { {hours} " " {move || t(Text::Hours)} }.into_any(),
        None => view! { {move || t(Text::ByHandAlone)} }.into_any(),
    };
    view! {
        <dl class="facts">
            <Fact name=Text::BackupPlace><code>{plan.location}</code></Fact>
            <Fact name=Text::MadeEvery>{hours(plan.every_hours)}</Fact>
            <Fact name=Text::TriedEvery>{hours(plan.verify_every_hours)}</Fact>
        </dl>
    }
    .into_any()
}

fn columns() -> Vec<Column<Backup>> {
    vec![
        Column::new(Text::TakenAt, |backup| {
            view! { <MaybeMoment time=backup.taken_at.clone() /> }.into_any()
        }),
        Column::new(Text::Status, |backup| match backup.fault.clone() {
            Some(fault) => view! { <State code="damaged" /> <p class="quiet">{fault}</p> }.into_any(),
            None => view! { <State code="holds" /> }.into_any(),
        }),
        Column::new(Text::HeldWhenRestored, |backup| {
            view! { <MaybeMoment time=backup.verified_at.clone() /> }.into_any()
        }),
        Column::new(Text::Position, |backup| backup.position.map(words::number).into_any()),
        Column::new(Text::Size, |backup| {
            let size = backup.bytes.map(|bytes| words::number((bytes + 999_999) / 1_000_000));
            view! { {size} " " {move || t(Text::MegabytesShort)} }.into_any()
        }),
        Column::new(Text::Actions, |backup| actions(backup.id.clone())),
        Column::extra(Text::Backup, |backup| {
            view! { <code>{backup.id.clone()}</code> }.into_any()
        }),
        Column::extra(Text::Events, |backup| backup.events.map(words::number).into_any()),
        Column::extra(Text::Version, |backup| backup.program.clone().into_any()),
    ]
}

fn actions(id: String) -> AnyView {
    let (orders, deleting) = (Orders::of_list(), expect_context::<Deleting>());
    let order = |label: Text, what: &str| {
        let path = format!("{BACKUPS}/{id}/{what}");
        let post = move |()| orders.post(&path, Text::RestoreBegun);
        view! { <ActionButton label permission="backups.write" class="link" on_click=post /> }
    };
    let (verify, drill) = (
        order(Text::RestoreAndCheck, "verify"),
        order(Text::PracticeRestore, "restore-drill"),
    );
    let address = format!("{BACKUPS}/{id}/download");
    let fetch = move |()| download(&address, "");
    let delete = move |()| deleting.0.set(Some(id.clone()));
    view! {
        <span class="buttons">
            {verify} {drill}
            <ActionButton label=Text::Download permission="backups.write" class="link" on_click=fetch />
            <ActionButton label=Text::DeleteBackup permission="backups.delete" class="link" on_click=delete />
        </span>
    }
    .into_any()
}

/// What was done lately; looked at again as long as something runs.
fn runs(refresh: RwSignal<u32>) -> AnyView {
    let path = move || {
        refresh.get();
        format!("{BACKUPS}/runs?limit=10")
    };
    load(path, move |reply| {
        let runs: Items<BackupRun> = reply.value;
        if runs.items.iter().any(|run| run.status == "running") {
            // What has ended changes what the list says of its backup, too.
            set_timeout(
                move || {
                    let _ = refresh.try_update(|count| *count += 1);
                },
                SOON,
            );
        }
        if runs.items.is_empty() {
            return view! { <p class="quiet">{move || t(Text::NothingYet)}</p> }.into_any();
        }
        view! {
            <div class="scroll"><table>
                <thead><tr>{[Text::When, Text::What, Text::Status, Text::Backup, Text::Seconds, Text::LostEvents].map(|name| view! { <th scope="col">{move || t(name)}</th> })}</tr></thead>
                <tbody aria-live="polite">{runs.items.into_iter().map(row).collect_view()}</tbody>
            </table></div>
        }
        .into_any()
    })
}

fn row(run: BackupRun) -> AnyView {
    let kind = run.kind.clone();
    let far = (run.status == "running" && run.goal > 0).then(|| {
        let (reached, goal) = (run.reached.to_string(), run.goal.to_string());
        view! { <progress value=reached max=goal aria-label=run.step.clone()></progress> }
    });
    let step = (run.status == "running").then(|| run.step.clone());
    let seconds = run
        .finished_at
        .as_deref()
        .and_then(|end| words::seconds_between(&run.started_at, end));
    view! {
        <tr>
            <td><Moment time=run.started_at /></td>
            <td>{move || words::state(&kind)}</td>
            <td><State code=run.status /> " " {far} " " {step} {run.error.map(|error| view! { <p class="quiet">{error}</p> })}</td>
            <td><code>{run.backup_id}</code></td>
            <td>{seconds}</td>
            <td>{run.lost.map(words::number)}</td>
        </tr>
    }
    .into_any()
}
