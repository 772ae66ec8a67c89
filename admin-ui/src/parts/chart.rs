//! Charts: bars over time, for eyes; the same in words and as a table for everybody.

use leptos::prelude::*;

use crate::{
    text::{Text, t},
    words,
};

/// How high a chart is, in its own units, and how wide a bar with its gap.
const HEIGHT: f64 = 60.0;
const STEP: f64 = 10.0;

/// One bar for each of these, in order: what it is called, and how much.
#[component]
pub(crate) fn Bars(name: Text, bars: Vec<(String, i64)>) -> impl IntoView {
    let most = bars.iter().map(|(_, amount)| *amount).max().unwrap_or(0).max(1);
    let width = bars.len() as f64 * STEP;
    let ends = bars.first().zip(bars.last());
    let said = ends.map(|(first, last)| format!("{} – {}, ≤ {}", first.0, last.0, words::number(most)));
    let said = said.unwrap_or_default();
    let heights = bars.iter().enumerate().map(|(place, (label, amount))| {
        let height = HEIGHT * *amount as f64 / most as f64;
        let title = format!("{label}: {}", words::number(*amount));
        view! {
            <rect class="filled" x=(place as f64 * STEP).to_string() y=(HEIGHT - height).to_string()
                width="8" height=height.to_string()><title>{title}</title></rect>
        }
    });
    let heights = heights.collect_view();
    let shown = said.clone();
    view! {
        <figure class="chart">
            <figcaption>{move || t(name)} " " <span class="quiet">{shown}</span></figcaption>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" role="img"
                aria-label=move || format!("{}: {said}", t(name))>{heights}</svg>
            <details>
                <summary>{move || t(Text::AsTable)}</summary>
                <table>
                    <caption class="hidden">{move || t(name)}</caption>
                    <tbody>{bars.into_iter().map(|(label, amount)| view! {
                        <tr><th scope="row">{label}</th><td>{words::number(amount)}</td></tr>
                    }).collect_view()}</tbody>
                </table>
            </details>
        </figure>
    }
}
