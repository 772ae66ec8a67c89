//! How much a license is used.

use leptos::prelude::*;
use licet_contracts::usage::{ActivityBucket, MeterAmount, Series, UsageStats};

use crate::{
    api::Reply,
    parts::{
        chart::Bars,
        load::{load, section},
        show::{Fact, MaybeMoment},
    },
    text::{Text, t},
    words,
};

/// Days that are shown.
const DAYS: u32 = 30;

#[component]
pub(super) fn Usage(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let below = move |what: &'static str| {
        move || {
            again.get();
            format!("{}/{what}", path.get())
        }
    };
    let stats = load(below("usage-stats"), move |stats: Reply<UsageStats>| {
        if stats.value.beats == 0 {
            return view! { <p class="quiet">{move || t(Text::NoBeatYet)}</p> }.into_any();
        }
        let charts = load(below("activity?bucket=day"), |days: Reply<Series<ActivityBucket>>| {
            charts(&days.value.items)
        });
        let meters = load(below("meters"), |meters: Reply<Series<MeterAmount>>| {
            table(meters.value.items)
        });
        view! { {figures(stats.value)} {charts} {meters} }.into_any()
    });
    section(Text::Usage, stats)
}

fn figures(stats: UsageStats) -> impl IntoView {
    view! {
        <dl class="facts">
            <Fact name=Text::LastSeen><MaybeMoment time=stats.last_beat_at /></Fact>
            <Fact name=Text::PeakDevices>{words::number(stats.peak_machines)}</Fact>
            <Fact name=Text::PeakUsers>{words::number(stats.peak_users)}</Fact>
            <Fact name=Text::Beats>{words::number(stats.beats)}</Fact>
        </dl>
    }
}

fn charts(days: &[ActivityBucket]) -> AnyView {
    let today = js_sys::Date::now();
    let machines = by_day(days, today, |day| day.machines);
    let users = by_day(days, today, |day| day.active_users);
    let has_users = users.iter().any(|(_, users)| *users > 0);
    view! {
        <div class="charts">
            <Bars name=Text::DevicesByDay bars=machines />
            {has_users.then(|| view! { <Bars name=Text::UsersByDay bars=users /> })}
        </div>
    }
    .into_any()
}

fn table(meters: Vec<MeterAmount>) -> AnyView {
    let row = |meter: MeterAmount| {
        view! {
            <tr>
                <td>{words::plain(&meter.meter)}</td>
                <td>{meter.period.chars().take(7).collect::<String>()}</td>
                <td>{words::number(meter.amount)}</td>
                <td>{meter.limit.map(|limit| words::number(limit.cast_signed()))}</td>
            </tr>
        }
    };
    let heads = [Text::Meter, Text::Period, Text::Used, Text::Included];
    let shown = (!meters.is_empty()).then(|| {
        view! {
            <div class="scroll"><table>
                <caption>{move || t(Text::Meters)}</caption>
                <thead><tr>{heads.map(|name| view! { <th scope="col">{move || t(name)}</th> }).collect_view()}</tr></thead>
                <tbody>{meters.into_iter().rev().map(row).collect_view()}</tbody>
            </table></div>
        }
    });
    shown.into_any()
}

/// An amount for each of the last days in UTC; days without a beat have none.
fn by_day(days: &[ActivityBucket], now: f64, amount: fn(&ActivityBucket) -> i64) -> Vec<(String, i64)> {
    let day_of = |ago: u32| {
        let date = js_sys::Date::new(&(now - f64::from(ago) * 86_400_000.0).into());
        String::from(date.to_iso_string()).chars().take(10).collect::<String>()
    };
    let days_back = (0..DAYS).rev().map(|ago| {
        let day = day_of(ago);
        let found = days.iter().find(|bucket| bucket.since.starts_with(&day));
        (day, found.map_or(0, amount))
    });
    days_back.collect()
}
