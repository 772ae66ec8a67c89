//! What is picked out of a list, over all of its pages, and what is done to it.

use std::collections::BTreeSet;

use leptos::{prelude::*, task::spawn_local};
use serde_json::json;

use super::{
    super::{
        action::ActionButton,
        failure::sentence,
        show::copy,
        toast::{ToastList, toasts},
    },
    spec::Act,
};
use crate::{
    api,
    text::{Text, t},
    words,
};

/// The ids that are picked; they stay while one pages, sorts and filters.
pub(super) type Picked = RwSignal<BTreeSet<String>>;

/// A box that picks one thing.
#[component]
pub(super) fn PickBox(picked: Picked, id: String, label: String) -> impl IntoView {
    let own = id.clone();
    let is_picked = move || picked.read().contains(&own);
    let toggle = move |_| {
        picked.update(|picked| {
            if !picked.remove(&id) {
                picked.insert(id.clone());
            }
        });
    };
    view! {
        <input type="checkbox" aria-label=move || format!("{} {label}", t(Text::Pick)) prop:checked=is_picked on:change=toggle />
    }
}

/// A box that picks all of a page, or none of it.
#[component]
pub(super) fn PickPage(picked: Picked, ids: Vec<String>) -> impl IntoView {
    let ids = StoredValue::new(ids);
    let are_picked = move || ids.with_value(|ids| ids.iter().all(|id| picked.read().contains(id)));
    let toggle = move |_| {
        let all = untrack(are_picked);
        picked.update(|picked| {
            for id in ids.get_value() {
                if all {
                    picked.remove(&id);
                } else {
                    picked.insert(id);
                }
            }
        });
    };
    view! { <input type="checkbox" aria-label=move || t(Text::PickPage) prop:checked=are_picked on:change=toggle /> }
}

/// How many are picked, and what can be done to them: one after the other, said as it goes, and taken back where it can be.
#[component]
pub(super) fn PickedBar(picked: Picked, path: &'static str, acts: Vec<Act>, again: RwSignal<u32>) -> impl IntoView {
    let (acts, list) = (StoredValue::new(acts), toasts());
    // How many of how many are done, while something is.
    let going = RwSignal::new(None::<(usize, usize)>);
    let copy_ids = move |_| {
        let ids: Vec<String> = picked.read_untracked().iter().cloned().collect();
        copy(ids.join("\n"), list);
    };
    let buttons = move || {
        let button = |act: Act| {
            let run = move |()| {
                if going.get_untracked().is_none() {
                    let ids = picked.read_untracked().iter().cloned().collect();
                    do_to_all(path, act, ids, going, again, list);
                }
            };
            view! { <ActionButton label=act.label permission=act.permission on_click=run /> }
        };
        acts.get_value().into_iter().map(button).collect_view()
    };
    let said = move || match going.get() {
        Some((done, all)) => format!("{} / {}", words::number(done as i64), words::number(all as i64)),
        None => format!("{} {}", words::number(picked.read().len() as i64), t(Text::Picked)),
    };
    view! {
        <Show when=move || !picked.read().is_empty()>
            <div class="controls" role="group" aria-label=move || t(Text::Selection)>
                <strong role="status">{said}</strong>
                {buttons}
                <button on:click=copy_ids>{move || t(Text::CopyIds)}</button>
                <button on:click=move |_| picked.update(BTreeSet::clear)>{move || t(Text::PickNone)}</button>
            </div>
        </Show>
    }
}

fn do_to_all(
    path: &'static str,
    act: Act,
    ids: Vec<String>,
    going: RwSignal<Option<(usize, usize)>>,
    again: RwSignal<u32>,
    list: ToastList,
) {
    spawn_local(async move {
        let (mut done, mut refused) = (Vec::new(), None);
        let all = ids.len();
        for (count, id) in ids.into_iter().enumerate() {
            // The page may have been left meanwhile.
            let _ = going.try_set(Some((count, all)));
            match api::post(&format!("{path}/{id}/{}", act.verb), &json!({})).await {
                Ok(_) => done.push(id),
                Err(failure) => refused = Some(sentence(&failure)),
            }
        }
        let _ = going.try_set(None);
        let _ = again.try_update(|count| *count += 1);
        let mut said = format!("{}: {} / {}", t(act.label), words::number(done.len() as i64), words::number(all as i64));
        if let Some(refused) = refused {
            said = format!("{said}. {refused}");
        }
        match act.back {
            Some(back) if !done.is_empty() => list.say_with_undo(said, move || {
                let back = Act { label: Text::Undone, verb: back, back: None, ..act };
                do_to_all(path, back, done.clone(), going, again, list);
            }),
            _ => list.say(said),
        }
    });
}
