//! A license as it was.

use leptos::prelude::*;
use licet_contracts::{Page as Rows, admin::Event};

use crate::{
    api::Reply,
    parts::load::load,
    text::{Text, t},
    words,
};

/// A slider over the license's events: it shows the license as it stood after each.
#[component]
pub(super) fn TimeTravel(
    #[prop(into)] path: Signal<String>,
    as_of: RwSignal<Option<i64>>,
    again: RwSignal<u32>,
) -> impl IntoView {
    let events = move || {
        again.get();
        format!("{}/events?limit=200&latest=true", path.get())
    };
    let shown = move |page: Reply<Rows<Event>>| {
        let events = page.value.items;
        (events.len() > 1).then(|| view! { <Slider events as_of /> }).into_any()
    };
    load(events, shown)
}

#[component]
fn Slider(events: Vec<Event>, as_of: RwSignal<Option<i64>>) -> impl IntoView {
    let last = events.len() - 1;
    let events = StoredValue::new(events);
    let place = move || {
        let chosen = as_of.get();
        let of_chosen = |events: &Vec<Event>| events.iter().position(|event| Some(event.position) == chosen);
        events.with_value(of_chosen).unwrap_or(last)
    };
    let slide = move |event: leptos::ev::Event| {
        let place = event_target_value(&event).parse::<usize>().unwrap_or(last);
        let past = events.with_value(|events| events.get(place).map(|event| event.position));
        as_of.set(past.filter(|_| place < last));
    };
    let said = move || {
        events.with_value(|events| {
            let event = events.get(place());
            event.map(|event| format!("{} · {}", words::event(&event.kind), words::moment(&event.recorded_at)))
        })
    };
    view! {
        <div class="card travel">
            <label for="as-of">{move || t(Text::AsItWas)}</label>
            <input id="as-of" type="range" min="0" max=last.to_string()
                prop:value=move || place().to_string() aria-valuetext=said on:change=slide />
            <span class="quiet" aria-hidden="true">{said}</span>
        </div>
    }
}
