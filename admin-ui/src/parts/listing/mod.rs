//! Lists: what is filtered, how it is ordered and which page is shown stand in the address.

mod controls;
mod picked;
mod spec;
mod table;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use licet_contracts::Page;
use serde::de::DeserializeOwned;

pub(crate) use spec::{Act, Back, Column, Filter, IN_USE, Listed, Picking};

use controls::Controls;
use picked::{Picked, PickedBar};
use spec::{Row, Spec};
use table::Table;

use super::{link::encoded, load::load_text};
use crate::text::{Text, t};

/// Names of parameters that no filter has.
const SORT: &str = "sort";
const CURSOR: &str = "cursor";
const COLUMNS: &str = "columns";

/// A list.
#[component]
pub(crate) fn Listing<T: DeserializeOwned + Send + Sync + 'static>(
    listed: Listed<T>,
    /// Told to look again.
    #[prop(optional, into)]
    refresh: Signal<u32>,
    /// How things are picked out of it.
    #[prop(optional)]
    picking: Option<Picking<T>>,
) -> impl IntoView {
    listing(listed.any(picking), refresh)
}

fn listing(listed: Spec, refresh: Signal<u32>) -> AnyView {
    let query = use_query_map();
    let go = use_address();
    let again = RwSignal::new(0_u32);
    let picked: Picked = RwSignal::default();
    let (path, acts) = (listed.path, listed.picking.as_ref().map(|picking| picking.acts.clone()));
    let bar = acts.map(|acts| view! { <PickedBar picked path acts again /> });
    let spec = StoredValue::new(listed);
    let filters: Vec<&'static str> = spec.with_value(|spec| spec.filters.iter().map(|filter| filter.name).collect());
    let filters = StoredValue::new(filters);
    let asked = Memo::new(move |_| {
        let query = query.read();
        let mut names = vec!["q", CURSOR];
        names.extend(filters.get_value());
        let mut path = format!("{}?limit=50", spec.with_value(|spec| spec.path));
        for name in names {
            if let Some(value) = query.get(name).filter(|value| !value.is_empty()) {
                path = format!("{path}&{name}={}", encoded(&value));
            }
        }
        if let Some(usual) = spec.with_value(|spec| spec.sort) {
            let sort = query.get(SORT).unwrap_or_else(|| format!("-{usual}"));
            path = format!("{path}&sort={}", encoded(&sort));
        }
        path
    });
    let is_filtered = move || {
        let query = query.read();
        query.get("q").is_some() || filters.with_value(|names| names.iter().any(|name| query.get(name).is_some()))
    };
    let clear = go.clone();
    let shown = move |page: Page<Row>, read_at: String| {
        let spec = spec.get_value();
        if page.items.is_empty() {
            let clear = clear.clone();
            return if is_filtered() {
                view! {
                    <div class="empty">
                        <p>{move || t(Text::NothingMatches)}</p>
                        <button on:click=move |_| clear(&[])>{move || t(Text::ClearFilters)}</button>
                    </div>
                }
                .into_any()
            } else {
                let step = spec.first_step;
                view! { <div class="empty"><p>{move || t(Text::NothingYet)}</p><p>{move || t(step)}</p></div> }
                    .into_any()
            };
        }
        view! { <Table spec page read_at picked /> }.into_any()
    };
    let path = move || {
        again.get();
        refresh.get();
        asked.get()
    };
    let read = spec.with_value(|spec| spec.read);
    let page = load_text(path, move |reply| Some(shown(read(&reply.value)?, now())));
    view! {
        <Controls spec again asked />
        {bar}
        {page}
    }
    .into_any()
}

fn now() -> String {
    String::from(js_sys::Date::new_0().to_iso_string())
}

/// Changes what the address says; without any change it forgets all of it. Whatever else changes, the page is the first.
fn use_address() -> impl Fn(&[(&'static str, String)]) + Clone + Send + Sync + 'static {
    let (navigate, query, location) = (use_navigate(), use_query_map(), use_location());
    move |changes: &[(&'static str, String)]| {
        let mut map = query.get_untracked();
        if changes.is_empty() {
            map = leptos_router::params::ParamsMap::new();
        }
        if changes.iter().any(|(name, _)| *name != COLUMNS) {
            map.remove(CURSOR);
        }
        for (name, value) in changes {
            map.remove(name);
            if !value.is_empty() {
                map.insert(*name, value.clone());
            }
        }
        let path = location.pathname.get_untracked();
        let options = NavigateOptions {
            scroll: false,
            // Whoever goes back means the page before, not the letter before.
            replace: changes.iter().any(|(name, _)| *name == "q"),
            ..NavigateOptions::default()
        };
        navigate(&format!("{path}{}", map.to_query_string()), options);
    }
}
