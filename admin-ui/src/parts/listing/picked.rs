//! What is picked out of a list, over all of its pages, and what is done to it.

use std::collections::BTreeSet;

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};

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
    api::{self, Failure},
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
    let going = RwSignal::new(None::<(usize, usize)>);
    let copy_ids = move |_| {
        let ids: Vec<String> = picked.read_untracked().iter().cloned().collect();
        copy(ids.join("\n"), list);
    };
    let buttons = move || {
        let button = |act: Act| {
            let run = move |()| {
                let ids = picked.read_untracked().iter().cloned().collect();
                do_to_all(path, act, ids, Doing { going, again, list });
            };
            view! { <ActionButton label=act.label permission=act.permission on_click=run /> }
        };
        acts.get_value().into_iter().map(button).collect_view()
    };
    let said = move || match going.get() {
        Some((done, all)) => format!("{} / {}", words::number(done as i64), words::number(all as i64)),
        None if picked.read().is_empty() => String::new(),
        None => format!("{} {}", words::number(picked.read().len() as i64), t(Text::Picked)),
    };
    // What is said stays where it is heard from; the buttons are there while there is something to press them for.
    view! {
        <div class="controls" role="group" aria-label=move || t(Text::Selection)>
            <strong role="status">{said}</strong>
            <Show when=move || !picked.read().is_empty()>
                {buttons}
                <button on:click=copy_ids>{move || t(Text::CopyIds)}</button>
                <button on:click=move |_| picked.update(BTreeSet::clear)>{move || t(Text::PickNone)}</button>
            </Show>
        </div>
    }
}

/// Where it is told how far something is.
#[derive(Clone, Copy)]
struct Doing {
    /// How many of how many are done, while something is.
    going: RwSignal<Option<(usize, usize)>>,
    again: RwSignal<u32>,
    list: ToastList,
}

/// Gives an order to each of them that it means something to, one after the other. Whoever signs out, or is without the
/// network, is not asked again and again.
fn do_to_all(path: &'static str, act: Act, ids: Vec<String>, doing: Doing) {
    if doing.going.try_get_untracked().flatten().is_some() {
        return;
    }
    spawn_local(async move {
        let (mut done, mut refused) = (Vec::new(), None);
        let all = ids.len();
        for (count, id) in ids.into_iter().enumerate() {
            // The page may have been left meanwhile.
            let _ = doing.going.try_set(Some((count, all)));
            let one = format!("{path}/{id}");
            match give(&one, act).await {
                Ok(true) => done.push(id),
                Ok(false) => {}
                Err(failure) => {
                    let ends = matches!(failure.status, 0 | 401);
                    refused = Some(sentence(&failure));
                    if ends {
                        break;
                    }
                }
            }
        }
        let _ = doing.going.try_set(None);
        let _ = doing.again.try_update(|count| *count += 1);
        let count = |count: usize| words::number(count as i64);
        let mut said = format!("{}: {} / {}", t(act.label), count(done.len()), count(all));
        if let Some(refused) = refused {
            said = format!("{said}. {refused}");
        }
        match act.back {
            Some(back) if !done.is_empty() => doing.list.say_with_undo(said, move || {
                do_to_all(path, back.act(act.permission), done.clone(), doing);
            }),
            _ => doing.list.say(said),
        }
    });
}

/// Gives the order where it changes anything, so that only what was changed is ever taken back; answers whether it was.
async fn give(path: &str, act: Act) -> Result<bool, Failure> {
    let known = api::fetch(path).await?;
    let known: Value = serde_json::from_str(&known.value).unwrap_or_default();
    if !(act.applies)(known["status"].as_str().unwrap_or_default()) {
        return Ok(false);
    }
    api::post(&format!("{path}/{}", act.verb), &json!({})).await?;
    Ok(true)
}
