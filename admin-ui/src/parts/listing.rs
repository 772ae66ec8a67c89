//! Lists: what is filtered, how it is ordered and which page is shown stand in the address.

use std::{any::Any, sync::Arc};

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use licet_contracts::Page;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast as _;

use super::{failure::FailureNote, link::encoded, show::Moment};
use crate::{
    api::{self, Failure},
    preferences,
    text::{Text, t},
    words,
};

/// A column: what it is called, and what stands in it.
pub(crate) struct Column<T> {
    pub(crate) name: Text,
    pub(crate) cell: fn(&T) -> AnyView,
    /// Whether it is shown unless someone wants it.
    pub(crate) always: bool,
    /// By what the API orders the list after it.
    pub(crate) sort: Option<&'static str>,
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<T> {}

impl<T> Column<T> {
    pub(crate) const fn new(name: Text, cell: fn(&T) -> AnyView) -> Self {
        Self {
            name,
            cell,
            always: true,
            sort: None,
        }
    }

    /// One that is shown when it is chosen.
    pub(crate) const fn extra(name: Text, cell: fn(&T) -> AnyView) -> Self {
        Self {
            always: false,
            ..Self::new(name, cell)
        }
    }

    /// By which the list can be ordered.
    pub(crate) const fn sorted(self, sort: &'static str) -> Self {
        let sort = Some(sort);
        Self { sort, ..self }
    }
}

/// A filter: the API's parameter, what it is called, and what it can be.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) label: Text,
    pub(crate) values: Values,
}

/// What a filter can be.
#[derive(Clone)]
pub(crate) enum Values {
    /// One of these.
    Of(&'static [&'static str]),
    /// Whatever is typed.
    Typed,
    /// A day, for the API its beginning in UTC.
    Day,
}

impl Filter {
    pub(crate) const fn of(name: &'static str, label: Text, values: &'static [&'static str]) -> Self {
        let values = Values::Of(values);
        Self { name, label, values }
    }

    pub(crate) const fn typed(name: &'static str, label: Text) -> Self {
        let values = Values::Typed;
        Self { name, label, values }
    }

    pub(crate) const fn day(name: &'static str, label: Text) -> Self {
        let values = Values::Day;
        Self { name, label, values }
    }
}

/// What a list says of itself.
#[derive(Clone)]
pub(crate) struct Listed<T: 'static> {
    /// Which collection.
    pub(crate) path: &'static str,
    pub(crate) caption: Text,
    pub(crate) columns: Vec<Column<T>>,
    pub(crate) filters: Vec<Filter>,
    /// Whether the API takes `q`.
    pub(crate) searched: bool,
    /// By what it is ordered unless someone wants otherwise, newest first; none where the API has but one order.
    pub(crate) sort: Option<&'static str>,
    /// What to do where there is nothing yet.
    pub(crate) first_step: Text,
}

/// An item, whatever it is: one list's code serves all of them, which a browser has to load.
type Row = Arc<dyn Any + Send + Sync>;

/// A column of whatever items.
#[derive(Clone)]
struct AnyColumn {
    name: Text,
    cell: Arc<dyn Fn(&Row) -> AnyView + Send + Sync>,
    always: bool,
    sort: Option<&'static str>,
}

/// A list of whatever items.
#[derive(Clone)]
struct Spec {
    path: &'static str,
    caption: Text,
    columns: Vec<AnyColumn>,
    filters: Vec<Filter>,
    searched: bool,
    sort: Option<&'static str>,
    first_step: Text,
    read: fn(&str) -> Option<Page<Row>>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Listed<T> {
    fn any(self) -> Spec {
        let column = |column: Column<T>| AnyColumn {
            name: column.name,
            cell: Arc::new(move |row| row.downcast_ref::<T>().map(column.cell).into_any()),
            always: column.always,
            sort: column.sort,
        };
        Spec {
            path: self.path,
            caption: self.caption,
            columns: self.columns.into_iter().map(column).collect(),
            filters: self.filters,
            searched: self.searched,
            sort: self.sort,
            first_step: self.first_step,
            read: rows::<T>,
        }
    }
}

fn rows<T: DeserializeOwned + Send + Sync + 'static>(text: &str) -> Option<Page<Row>> {
    let page: Page<T> = serde_json::from_str(text).ok()?;
    Some(Page {
        items: page.items.into_iter().map(|item| Arc::new(item) as Row).collect(),
        next_cursor: page.next_cursor,
        total: page.total,
        total_exact: page.total_exact,
    })
}

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
) -> impl IntoView {
    listing(listed.any(), refresh)
}

fn listing(listed: Spec, refresh: Signal<u32>) -> AnyView {
    let query = use_query_map();
    let go = use_address();
    let again = RwSignal::new(0_u32);
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
    let page = LocalResource::new(move || {
        again.get();
        refresh.get();
        let path = asked.get();
        let read = spec.with_value(|spec| spec.read);
        async move { (api::text(&path, read).await, now()) }
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
        view! { <Table spec page read_at /> }.into_any()
    };
    view! {
        <Controls spec again asked />
        <Transition fallback=|| view! { <div class="skeleton tall" aria-hidden="true"></div> }>
            {move || page.get().map(|(answer, read_at)| match answer {
                Ok(page) => shown(page, read_at),
                Err(failure) => failed(failure, again),
            })}
        </Transition>
    }
    .into_any()
}

/// The same list as a file: all of it, not the page.
fn file_of(asked: &str) -> String {
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    let is_of_page = |pair: &&str| pair.starts_with("limit=") || pair.starts_with("cursor=");
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !is_of_page(pair))
        .chain(["format=csv"])
        .collect();
    format!("{path}?{}", kept.join("&"))
}

/// Has the browser fetch a file, as a link would.
fn download(path: &str) {
    let link = document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok()) {
        link.set_href(path);
        link.set_download("");
        link.click();
    }
}

fn failed(failure: Failure, again: RwSignal<u32>) -> AnyView {
    view! { <FailureNote failure retry=move |()| again.update(|count| *count += 1) /> }.into_any()
}

fn now() -> String {
    String::from(js_sys::Date::new_0().to_iso_string())
}

/// Search, filters, columns and freshness.
#[component]
fn Controls(
    spec: StoredValue<Spec>,
    again: RwSignal<u32>,
    /// What the API is asked for.
    asked: Memo<String>,
) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let listed = spec.get_value();
    let (filtering, choosing) = (RwSignal::new(false), RwSignal::new(false));
    let typed = RwSignal::new(query.read_untracked().get("q").unwrap_or_default());
    let search = {
        let go = go.clone();
        move |event: leptos::ev::SubmitEvent| {
            event.prevent_default();
            go(&[("q", typed.get_untracked().trim().to_owned())]);
        }
    };
    let has_filters = !listed.filters.is_empty();
    let columns = listed.columns.clone();
    view! {
        <div class="controls">
            {listed.searched.then(|| view! {
                <form role="search" on:submit=search>
                    <input type="search" aria-label=move || t(Text::Search) placeholder=move || t(Text::Search)
                        prop:value=move || typed.get() on:input=move |event| typed.set(event_target_value(&event)) />
                </form>
            })}
            {has_filters.then(|| view! {
                <button aria-expanded=move || filtering.get().to_string() on:click=move |_| filtering.update(|open| *open = !*open)>{move || t(Text::Filter)}</button>
            })}
            <button aria-expanded=move || choosing.get().to_string() on:click=move |_| choosing.update(|open| *open = !*open)>{move || t(Text::Columns)}</button>
            {listed.sort.map(|usual| view! { <SortButton usual /> })}
            <button on:click=move |_| download(&file_of(&asked.read()))>{move || t(Text::Export)}</button>
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

/// A column's head; where the list can be ordered by it, it says how it is, and turns it.
#[component]
fn Head(name: Text, sort: Option<&'static str>, usual: Option<&'static str>) -> AnyView {
    let Some(sort) = sort else {
        return view! { <th scope="col">{move || t(name)}</th> }.into_any();
    };
    let (query, go) = (use_query_map(), use_address());
    let order = Memo::new(move |_| {
        let chosen = query.read().get(SORT);
        let chosen = chosen
            .or_else(|| usual.map(|usual| format!("-{usual}")))
            .unwrap_or_default();
        match chosen.strip_prefix('-') {
            Some(by) if by == sort => "descending",
            None if chosen == sort => "ascending",
            _ => "none",
        }
    });
    let turn = move |_| {
        let next = if order.get_untracked() == "descending" {
            sort.to_owned()
        } else {
            format!("-{sort}")
        };
        go(&[(SORT, next)]);
    };
    let arrow = move || match order.get() {
        "descending" => " ↓",
        "ascending" => " ↑",
        _ => "",
    };
    view! {
        <th scope="col" aria-sort=move || order.get()>
            <button class="head" on:click=turn>{move || t(name)}<span aria-hidden="true">{arrow}</span></button>
        </th>
    }
    .into_any()
}

#[component]
fn FilterField(filter: Filter) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let (name, label) = (filter.name, filter.label);
    let id = format!("filter-{name}");
    let chosen = Memo::new(move |_| query.read().get(name).unwrap_or_default());
    let is_day = matches!(filter.values, Values::Day);
    let choose = move |event: leptos::ev::Event| {
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

/// The address names the columns that are not as they are by default.
fn is_shown(turned: Option<&str>, place: usize, always: bool) -> bool {
    let own = place.to_string();
    let is_turned = turned.is_some_and(|turned| turned.split('.').any(|one| one == own));
    always != is_turned
}

#[component]
fn Table(spec: Spec, page: Page<Row>, read_at: String) -> impl IntoView {
    let (query, go) = (use_query_map(), use_address());
    let first = go.clone();
    let (caption, usual, next) = (spec.caption, spec.sort, page.next_cursor.clone());
    let (total, exact) = (page.total, page.total_exact);
    let columns = Memo::new_with_compare(
        move |_| {
            let turned = query.read().get(COLUMNS);
            let shown = spec.columns.iter().enumerate();
            let shown = shown.filter(|(place, column)| is_shown(turned.as_deref(), *place, column.always));
            shown.map(|(_, column)| column.clone()).collect::<Vec<_>>()
        },
        |_, _| true,
    );
    let items = StoredValue::new(page.items);
    let count = move || {
        format!(
            "{}{} {}",
            words::number(total),
            if exact { "" } else { "+" },
            t(Text::InAll)
        )
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=move || t(caption)>
            <table class:compact=preferences::compact>
                <caption>{move || t(caption)}</caption>
                <thead><tr>{move || columns.get().into_iter().map(|column| view! { <Head name=column.name sort=column.sort usual /> }).collect_view()}</tr></thead>
                <tbody>
                    {move || items.get_value().iter().map(|item| view! {
                        <tr>{columns.get().into_iter().map(|column| view! { <td>{(column.cell)(item)}</td> }).collect_view()}</tr>
                    }).collect_view()}
                </tbody>
            </table>
        </div>
        <div class="footer">
            <span>{count} " · " {move || t(Text::AsOf)} " " <Moment time=read_at /></span>
            <span class="buttons">
                {move || query.read().get(CURSOR).is_some().then(|| {
                    let first = first.clone();
                    view! { <button on:click=move |_| first(&[(CURSOR, String::new())])>{move || t(Text::FirstPage)}</button> }
                })}
                {next.map(|next| view! { <button on:click=move |_| go(&[(CURSOR, next.clone())])>{move || t(Text::NextPage)}</button> })}
            </span>
        </div>
    }
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
            ..NavigateOptions::default()
        };
        navigate(&format!("{path}{}", map.to_query_string()), options);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_whole_list() {
        let asked = "/api/admin/licenses?limit=50&q=a%26b&cursor=xyz&sort=-created_at";
        assert_eq!(
            file_of(asked),
            "/api/admin/licenses?q=a%26b&sort=-created_at&format=csv"
        );
    }

    #[test]
    fn the_address_names_the_columns_that_were_turned() {
        assert!(is_shown(None, 1, true) && !is_shown(None, 1, false));
        assert!(!is_shown(Some("1.12"), 1, true) && is_shown(Some("1.12"), 12, false));
        assert!(is_shown(Some("12"), 1, true), "a place is no prefix of another");
    }
}
