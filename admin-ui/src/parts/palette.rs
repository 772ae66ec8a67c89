//! The command palette: wherever one is, Ctrl-K leads everywhere else.

use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;

use super::dialog::Dialog;
use crate::{
    frame::ROOMS,
    text::{Text, t},
};

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
    let found = Memo::new(move |_| {
        let typed = typed.read().trim().to_lowercase();
        let rooms = ROOMS.iter().map(|room| (room.href, room.name));
        let all = rooms.chain(ACTIONS);
        let fits =
            |(_, name): &(&'static str, Text)| typed.split(' ').all(|word| t(*name).to_lowercase().contains(word));
        all.filter(fits).collect::<Vec<_>>()
    });
    let go = move |href: &str| {
        open.set(false);
        typed.set(String::new());
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
                    if let Some((href, _)) = found.get_untracked().get(place.get_untracked()) {
                        go(href);
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
                on:input=move |event| { typed.set(event_target_value(&event)); place.set(0); }
                on:keydown=by_key.clone()
            />
            <ul id="palette-found" role="listbox" class="found" aria-label=move || t(Text::Palette)>
                {
                    let go = go.clone();
                    move || found.get().into_iter().enumerate().map(|(index, (href, name))| {
                        let go = go.clone();
                        view! {
                            <li
                                id=format!("palette-{index}")
                                role="option"
                                aria-selected=move || (place.get() == index).to_string()
                                on:click=move |_| go(href)
                            >{move || t(name)}</li>
                        }
                    }).collect_view()
                }
            </ul>
        </Dialog>
    }
}
