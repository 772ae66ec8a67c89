//! `/`: how things stand, and what happened just now.

use std::time::Duration;

use leptos::prelude::*;
use licet_contracts::{
    Page as Rows,
    admin::{AuditEntry, Counters, License},
};
use serde_json::Value;

use crate::{
    api::Reply,
    live::live,
    parts::{
        load::{load, section},
        show::Moment,
        title::Title,
    },
    text::{Text, t},
    words,
};

/// How often the page looks by itself, where it hears nothing.
const REFRESHED: Duration = Duration::from_secs(5);
/// What happens together is looked at together.
const TOGETHER: Duration = Duration::from_millis(150);

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (live, tick) = (live(), RwSignal::new(0_u32));
    let look = move || tick.update(|count| *count += 1);
    let look_unless_told = move || {
        if !live.is_live() {
            look();
        }
    };
    if let Ok(timer) = set_interval_with_handle(move || untrack(look_unless_told), REFRESHED) {
        on_cleanup(move || timer.clear());
    }
    let waiting = StoredValue::new(false);
    Effect::new(move |seen: Option<u32>| {
        let happened = live.happened();
        if seen.is_some_and(|seen| seen != happened) && !waiting.get_value() {
            waiting.set_value(true);
            set_timeout(
                move || {
                    // The page may have been left meanwhile.
                    if waiting.try_set_value(false).is_none() {
                        look();
                    }
                },
                TOGETHER,
            );
        }
        happened
    });
    view! {
        <Title text=Signal::derive(|| t(Text::Dashboard).to_owned())>
            <span class="quiet">{move || t(if live.is_live() { Text::LiveNow } else { Text::NotLive })}</span>
        </Title>
        {move || {
            let stopped = live.standing_still();
            (!stopped.is_empty()).then(|| {
                let names: Vec<String> = stopped.into_iter().map(|one| one.name).collect();
                view! { <p role="alert" class="failure">{t(Text::StandsStill)} " " {names.join(", ")}</p> }
            })
        }}
        <div class="figures">
            <Figure name=Text::Licenses href="/licenses" path="/api/admin/licenses?limit=1" told=|told| told.licenses tick />
            <Figure name=Text::ActiveLicenses href="/licenses?status=active" path="/api/admin/licenses?limit=1&status=active" told=|told| told.active tick />
            <Figure name=Text::SuspendedLicenses href="/licenses?status=suspended" path="/api/admin/licenses?limit=1&status=suspended" told=|told| told.suspended tick />
            <Figure name=Text::Customers href="/customers" path="/api/admin/customers?limit=1" told=|told| told.customers tick />
            <Figure name=Text::ActiveDevices href="/devices?status=active" path="/api/admin/activations?limit=1&status=active" told=|told| told.devices tick />
        </div>
        <Seats tick />
        <Activity tick />
    }
}

/// A number, which leads to what was counted: as the stream tells it, or as the list does where there is no stream.
#[component]
fn Figure(
    name: Text,
    href: &'static str,
    path: &'static str,
    told: fn(Counters) -> i64,
    tick: RwSignal<u32>,
) -> impl IntoView {
    let live = live();
    let heard = Memo::new(move |_| live.counters().filter(|_| live.is_live()).map(told));
    let asked = move || {
        tick.get();
        path.to_owned()
    };
    let counted = move |page: Reply<Rows<Value>>| words::number(page.value.total).into_any();
    view! {
        <a class="card figure" href=href>
            <span class="quiet">{move || t(name)}</span>
            <strong>{move || match heard.get() {
                Some(count) => words::number(count).into_any(),
                None => load(asked, counted),
            }}</strong>
        </a>
    }
}

/// How full the newest licenses are.
#[component]
fn Seats(tick: RwSignal<u32>) -> impl IntoView {
    let path = move || {
        tick.get();
        "/api/admin/licenses?limit=8&sort=-created_at&status=active".to_owned()
    };
    let shown = |page: Reply<Rows<License>>| {
        if page.value.items.is_empty() {
            return view! {
                <p>{move || t(Text::NoLicenseYet)} " " <a href="/licenses/new">{move || t(Text::NewLicense)}</a></p>
            }
            .into_any();
        }
        view! { <ul class="bars">{page.value.items.into_iter().map(bar).collect_view()}</ul> }.into_any()
    };
    section(Text::SeatsInUse, load(path, shown))
}

fn bar(license: License) -> impl IntoView {
    let share = f64::from(license.active) / f64::from(license.seats.max(1)) * 100.0;
    let said = format!("{} / {}", license.active, license.seats);
    view! {
        <li>
            <a href=format!("/licenses/{}", license.id)>{license.key_masked}</a>
            <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                <rect class="track" width="100" height="6" rx="3"></rect>
                <rect class="filled" width=share.min(100.0).to_string() height="6" rx="3"></rect>
            </svg>
            <span>{said}</span>
        </li>
    }
}

/// What happened just now.
#[component]
fn Activity(tick: RwSignal<u32>) -> impl IntoView {
    let path = move || {
        tick.get();
        "/api/admin/audit?limit=12".to_owned()
    };
    let shown = |page: Reply<Rows<AuditEntry>>| {
        let entries = page.value.items.into_iter().map(entry).collect_view();
        view! { <ol class="history">{entries}</ol> }.into_any()
    };
    section(Text::Activity, load(path, shown))
}

fn entry(entry: AuditEntry) -> impl IntoView {
    let who = entry
        .actor
        .name
        .clone()
        .unwrap_or_else(|| words::event(&entry.actor.kind));
    view! { <li>{super::audit::target(&entry)} " · " {words::plain(&who)} " · " <Moment time=entry.recorded_at /></li> }
}
