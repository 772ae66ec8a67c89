//! Whoever leaves a form in which something was typed is asked first.

use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{BeforeUnloadEvent, Element, Event};

use crate::text::{Text, t};

/// Asks before the page is left, by a link or altogether, while something is not saved.
pub(crate) fn ask_before(dirty: Signal<bool>) {
    let unload = window_event_listener(leptos::ev::beforeunload, move |event: BeforeUnloadEvent| {
        if dirty.get_untracked() {
            event.prevent_default();
        }
    });
    on_cleanup(move || unload.remove());
    // Before the router hears of the click.
    let click = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = element.and_then(|element| element.closest("a[href]").ok().flatten());
        if link.is_none() || !dirty.get_untracked() {
            return;
        }
        let leaves = window().confirm_with_message(t(Text::LeaveUnsaved)).unwrap_or(true);
        if !leaves {
            event.prevent_default();
            event.stop_propagation();
        }
    });
    let listener = click.as_ref().unchecked_ref::<js_sys::Function>().clone();
    let _ = document().add_event_listener_with_callback_and_bool("click", &listener, true);
    let kept = StoredValue::new_local((click, listener));
    on_cleanup(move || {
        let _ = kept.try_with_value(|(_, listener)| {
            document().remove_event_listener_with_callback_and_bool("click", listener, true)
        });
    });
}
