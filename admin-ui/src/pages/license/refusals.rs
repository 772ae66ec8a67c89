//! What machines were refused.

use leptos::prelude::*;
use licet_contracts::{Page as Rows, usage::Decision};

use crate::{
    api::Reply,
    parts::{
        load::{load, section},
        show::Moment,
    },
    text::{Text, t},
    words,
};

/// What machines were refused, and why.
#[component]
pub(super) fn Refusals(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let path = move || {
        again.get();
        format!("{}/decisions?limit=50", path.get())
    };
    let row = |decision: Decision| {
        let facts = decision.facts.as_object().into_iter().flatten();
        let facts: Vec<String> = facts
            .map(|(name, value)| format!("{}: {value}", name.replace('_', " ")))
            .collect();
        view! {
            <li>
                <strong>{words::event(&decision.code.to_lowercase())}</strong> " · " {words::event(&decision.asked)} " · "
                {decision.machine.as_deref().map(words::plain)} " ×" {decision.count} " · " <Moment time=decision.last_at />
                <p class="quiet">{facts.join(" · ")}</p>
            </li>
        }
    };
    let shown = move |page: Reply<Rows<Decision>>| {
        if page.value.items.is_empty() {
            return view! { <p class="quiet">{move || t(Text::NoRefusal)}</p> }.into_any();
        }
        view! { <ol class="history">{page.value.items.into_iter().map(row).collect_view()}</ol> }.into_any()
    };
    section(Text::Refusals, load(path, shown))
}
