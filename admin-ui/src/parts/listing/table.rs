//! A page of a list as a table.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use licet_contracts::Page;

use super::{
    super::show::Moment,
    COLUMNS, CURSOR, SORT,
    picked::{PickBox, PickPage, Picked},
    spec::{AnyPicking, Row, Spec},
    use_address,
};
use crate::{
    preferences,
    text::{Text, t},
    words,
};

#[component]
pub(super) fn Table(spec: Spec, page: Page<Row>, read_at: String, picked: Picked) -> impl IntoView {
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
    let named = |picking: AnyPicking| page.items.iter().map(|item| (picking.named)(item)).collect();
    let named: Option<Vec<(String, String)>> = spec.picking.clone().map(named);
    let pick_page = named.clone().map(|named| {
        let ids = named.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        view! { <th><PickPage picked ids /></th> }
    });
    // The boxes stay as they are while columns come and go.
    let pick = move |place: usize| {
        let (id, label) = named.as_ref()?.get(place)?.clone();
        Some(view! { <td><PickBox picked id label /></td> })
    };
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
                <thead><tr>{pick_page}{move || columns.get().into_iter().map(|column| view! { <Head name=column.name sort=column.sort usual /> }).collect_view()}</tr></thead>
                <tbody>
                    {move || items.get_value().iter().enumerate().map(|(place, item)| view! {
                        <tr>{pick(place)}{columns.get().into_iter().map(|column| view! { <td>{(column.cell)(item)}</td> }).collect_view()}</tr>
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

/// The address names the columns that are not as they are by default.
pub(super) fn is_shown(turned: Option<&str>, place: usize, always: bool) -> bool {
    let own = place.to_string();
    let is_turned = turned.is_some_and(|turned| turned.split('.').any(|one| one == own));
    always != is_turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_names_the_columns_that_were_turned() {
        assert!(is_shown(None, 1, true) && !is_shown(None, 1, false));
        assert!(!is_shown(Some("1.12"), 1, true) && is_shown(Some("1.12"), 12, false));
        assert!(is_shown(Some("12"), 1, true), "a place is no prefix of another");
    }
}
