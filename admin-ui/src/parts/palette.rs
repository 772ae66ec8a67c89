//! The command palette: wherever one is, Ctrl-K leads everywhere else.

use std::time::Duration;

use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use licet_contracts::admin::{Found, FoundThing};

use super::{dialog::Dialog, link::encoded};
use crate::{
    api,
    frame::ROOMS,
    text::{Text, t},
    words,
};

/// How long nothing is typed before the server is asked.
const PAUSE: Duration = Duration::from_millis(120);
/// The shortest search.
const SHORTEST: usize = 2;

/// Somewhere to go.
#[derive(Clone, PartialEq)]
struct Place {
    href: String,
    name: String,
    detail: String,
}

/// What else the palette leads to.
const ACTIONS: [(&str, Text); 3] = [
    ("/licenses/new", Text::NewLicense),
    ("/customers/new", Text::NewCustomer),
    ("/profile", Text::Profile),
];

#[component]
pub(crate) fn Palette(open: RwSignal<bool>) -> impl IntoView {
    let navigate = use_navigate();
    let handle = window_event_listener(ev::keydown, move |event| {
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            open.set(true);
        }
    });
    on_cleanup(move || handle.remove());
    let (typed, place) = (RwSignal::new(String::new()), RwSignal::new(0_usize));
    let things = RwSignal::new(Vec::<Place>::new());
    let found = Memo::new(move |_| {
        let typed = typed.read().trim().to_lowercase();
        let rooms = ROOMS.iter().map(|room| (room.href, room.name));
        let fits =
            |(_, name): &(&'static str, Text)| typed.split(' ').all(|word| t(*name).to_lowercase().contains(word));
        let rooms = rooms.chain(ACTIONS).filter(fits).map(|(href, name)| Place {
            href: href.to_owned(),
            name: t(name).to_owned(),
            detail: String::new(),
        });
        things.get().into_iter().chain(rooms).collect::<Vec<_>>()
    });
    let go = move |href: &str| {
        open.set(false);
        typed.set(String::new());
        things.set(Vec::new());
        navigate(href, leptos_router::NavigateOptions::default());
    };
    let by_key = {
        let go = go.clone();
        move |event: ev::KeyboardEvent| {
            let count = found.read_untracked().len().max(1);
            match &event.key()[..] {
                "ArrowDown" => place.update(|place| *place = (*place + 1) % count),
                "ArrowUp" => place.update(|place| *place = (*place + count - 1) % count),
                "Enter" => {
                    if let Some(found) = found.get_untracked().get(place.get_untracked()) {
                        go(&found.href);
                    }
                }
                _ => return,
            }
            event.prevent_default();
        }
    };
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if open.get()
            && let Some(input) = input.get()
        {
            let _ = input.focus();
        }
    });
    view! {
        <Dialog open title=Signal::derive(|| t(Text::Palette).to_owned()) on_close=move |()| open.set(false)>
            <input
                class="wide"
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-found"
                aria-label=move || t(Text::WhereTo)
                aria-activedescendant=move || format!("palette-{}", place.get())
                placeholder=move || t(Text::WhereTo)
                node_ref=input
                prop:value=move || typed.get()
                on:input=move |event| { typed.set(event_target_value(&event)); place.set(0); search(typed, things); }
                on:keydown=by_key.clone()
            />
            <ul id="palette-found" role="listbox" class="found" aria-label=move || t(Text::Palette)>
                {
                    let go = go.clone();
                    move || found.get().into_iter().enumerate().map(|(index, Place { href, name, detail })| {
                        let go = go.clone();
                        view! {
                            <li
                                id=format!("palette-{index}")
                                role="option"
                                aria-selected=move || (place.get() == index).to_string()
                                on:click=move |_| go(&href)
                            >{name} " " <span class="quiet">{detail}</span></li>
                        }
                    }).collect_view()
                }
            </ul>
        </Dialog>
    }
}

/// Asks the server what is meant, once nothing more is typed for a moment.
fn search(typed: RwSignal<String>, things: RwSignal<Vec<Place>>) {
    let asked = typed.get_untracked();
    if asked.trim().chars().count() < SHORTEST {
        things.set(Vec::new());
        return;
    }
    let ask = move || {
        // Whoever goes on typing asks for something else.
        if typed.try_get_untracked().as_ref() != Some(&asked) {
            return;
        }
        spawn_local(async move {
            let path = format!("/api/admin/search?q={}", encoded(asked.trim()));
            let found = api::get::<Found>(&path).await;
            let found = found.map(|found| found.items.iter().map(place_of).collect());
            if typed.try_get_untracked().as_ref() == Some(&asked) {
                things.set(found.unwrap_or_default());
            }
        });
    };
    set_timeout(ask, PAUSE);
}

/// Where a thing is shown.
fn place_of(thing: &FoundThing) -> Place {
    let href = match &thing.kind[..] {
        "customer" => format!("/customers/{}", thing.id),
        "license" => format!("/licenses/{}", thing.id),
        "operator" => "/operators".to_owned(),
        "policy" => "/policies".to_owned(),
        _ => "/products".to_owned(),
    };
    Place {
        href,
        name: words::plain(&thing.title),
        detail: format!("{} · {}", words::event(&thing.kind), words::plain(&thing.detail)),
    }
}
