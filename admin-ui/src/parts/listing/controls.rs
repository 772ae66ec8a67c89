//! What stands above a list: search, filters, order, columns, the file, and a fresh look.

use std::time::Duration;

use leptos::{
    ev::{Event, SubmitEvent},
    leptos_dom::helpers::TimeoutHandle,
    prelude::*,
};
use leptos_router::hooks::use_query_map;

use super::{
    COLUMNS, SORT,
    spec::{Filter, Spec, Values},
    table::is_shown,
    use_address,
};
use crate::{
    export::download,
    preferences,
    text::{Text, t},
    words,
};

/// Search, filters, columns and freshness.
#[component]
pub(super) fn Controls(
    spec: StoredValue<Spec>,
    again: RwSignal<u32>,
    /// What the API is asked for.
    asked: Memo<String>,
) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let listed = spec.get_value();
    let (filtering, choosing) = (RwSignal::new(false), RwSignal::new(false));
    let typed = RwSignal::new(query.read_untracked().get("q").unwrap_or_default());
    let (search, search_soon) = search_as_typed(typed, go);
    let has_filters = !listed.filters.is_empty();
    let columns = listed.columns.clone();
    view! {
        <div class="controls">
            {listed.searched.then(|| view! {
                <form role="search" on:submit=search>
                    <input type="search" aria-label=move || t(Text::Search) placeholder=move || t(Text::Search)
                        prop:value=move || typed.get() on:input=search_soon />
                </form>
            })}
            {has_filters.then(|| view! {
                <button aria-expanded=move || filtering.get().to_string() on:click=move |_| filtering.update(|open| *open = !*open)>{move || t(Text::Filter)}</button>
            })}
            <button aria-expanded=move || choosing.get().to_string() on:click=move |_| choosing.update(|open| *open = !*open)>{move || t(Text::Columns)}</button>
            {listed.sort.map(|usual| view! { <SortButton usual /> })}
            <button on:click=move |_| download(&file_of(&asked.read(), "csv"), "")>{move || t(Text::Export)}</button>
            <button on:click=move |_| download(&file_of(&asked.read(), "parquet"), "")>"Parquet"</button>
            <button on:click=move |_| again.update(|count| *count += 1)>{move || t(Text::Refresh)}</button>
        </div>
        <Show when=move || filtering.get()>
            <div class="panel" role="group" aria-label=move || t(Text::Filter)>
                {spec.get_value().filters.into_iter().map(|filter| view! { <FilterField filter /> }).collect_view()}
            </div>
        </Show>
        <Show when=move || choosing.get()>
            <div class="panel" role="group" aria-label=move || t(Text::Columns)>
                {columns.clone().into_iter().enumerate().map(|(place, column)| view! { <ColumnBox place name=column.name always=column.always /> }).collect_view()}
                <label class="box"><input type="checkbox" prop:checked=preferences::compact on:change=move |event| preferences::pack(event_target_checked(&event)) /> {move || t(Text::Dense)}</label>
            </div>
        </Show>
    }
}

/// How long nobody has typed when a search begins by itself.
const SETTLED: Duration = Duration::from_millis(250);

/// What searches at once, and what searches as one types.
fn search_as_typed(
    typed: RwSignal<String>,
    go: impl Fn(&[(&'static str, String)]) + Clone + Send + Sync + 'static,
) -> (impl Fn(SubmitEvent) + Clone, impl Fn(Event) + Clone) {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(waiting) = waiting.try_get_value().flatten() {
            waiting.clear();
        }
    };
    // Whoever goes elsewhere takes no search along.
    on_cleanup(stop);
    let search = move || {
        stop();
        go(&[("q", typed.get_untracked().trim().to_owned())]);
    };
    let soon = search.clone();
    let at_once = move |event: SubmitEvent| {
        event.prevent_default();
        search();
    };
    let as_typed = move |event: Event| {
        typed.set(event_target_value(&event));
        stop();
        waiting.set_value(set_timeout_with_handle(soon.clone(), SETTLED).ok());
    };
    (at_once, as_typed)
}

#[component]
fn SortButton(usual: &'static str) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let oldest = move || query.read().get(SORT).as_deref() == Some(usual);
    let turn = move |_| {
        let next = if oldest() { "" } else { usual };
        go(&[(SORT, next.to_owned())]);
    };
    view! { <button on:click=turn>{move || t(if oldest() { Text::OldestFirst } else { Text::NewestFirst })}</button> }
}

#[component]
fn FilterField(filter: Filter) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let (name, label) = (filter.name, filter.label);
    let id = format!("filter-{name}");
    let chosen = Memo::new(move |_| query.read().get(name).unwrap_or_default());
    let is_day = matches!(filter.values, Values::Day);
    let choose = move |event: Event| {
        let mut value = event_target_value(&event).trim().to_owned();
        if is_day && !value.is_empty() {
            value.push_str("T00:00:00Z");
        }
        go(&[(name, value)]);
    };
    let input = match filter.values {
        Values::Typed => view! { <input id=id.clone() prop:value=move || chosen.get() on:change=choose /> }.into_any(),
        Values::Day => {
            let day = move || chosen.read().chars().take(10).collect::<String>();
            view! { <input type="date" id=id.clone() prop:value=day on:change=choose /> }.into_any()
        }
        Values::Of(values) => view! {
            <select id=id.clone() on:change=choose>
                <option value="" selected=move || chosen.read().is_empty()>{move || t(Text::Any)}</option>
                {values.iter().map(|value| view! {
                    <option value=*value selected=move || *chosen.read() == *value>{move || words::state(value)}</option>
                }).collect_view()}
            </select>
        }
        .into_any(),
    };
    view! { <div class="field"><label for=id>{move || t(label)}</label>{input}</div> }
}

#[component]
fn ColumnBox(place: usize, name: Text, always: bool) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let shown = Memo::new(move |_| is_shown(query.read().get(COLUMNS).as_deref(), place, always));
    let toggle = move |_| {
        let turned = query.read_untracked().get(COLUMNS).unwrap_or_default();
        let mut turned: Vec<String> = turned
            .split('.')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect();
        let own = place.to_string();
        if turned.contains(&own) {
            turned.retain(|one| *one != own);
        } else {
            turned.push(own);
        }
        go(&[(COLUMNS, turned.join("."))]);
    };
    view! { <label class="box"><input type="checkbox" prop:checked=move || shown.get() on:change=toggle /> {move || t(name)}</label> }
}

/// The same list as a file: all of it, not the page.
fn file_of(asked: &str, format: &str) -> String {
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    let is_of_page = |pair: &&str| pair.starts_with("limit=") || pair.starts_with("cursor=");
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_of_page(pair))
        .collect();
    format!(
        "{path}?{}",
        [&kept[..], &[&format!("format={format}")]].concat().join("&")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_whole_list() {
        let asked = "/api/admin/licenses?limit=50&q=a%26b&cursor=xyz&sort=-created_at";
        assert_eq!(
            file_of(asked, "csv"),
            "/api/admin/licenses?q=a%26b&sort=-created_at&format=csv"
        );
    }
}
