//! The walk over the log, as it goes.

use leptos::prelude::*;
use licet_contracts::admin::{VerificationProgress, VerificationReport};
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::{
    parts::action::ActionButton,
    text::{Text, t},
    words,
};

const STREAM: &str = "/api/admin/audit/verification";

/// What is known of a walk.
#[derive(Clone, Default)]
pub(super) enum Walk {
    #[default]
    None,
    Going(VerificationProgress),
    Over(VerificationReport),
    /// It did not begin, or broke off.
    Broken,
}

#[component]
pub(super) fn VerifyButton(walk: RwSignal<Walk>) -> impl IntoView {
    // Kept as long as the page: whoever leaves it ends the walk.
    let source = StoredValue::new_local(None::<EventSource>);
    let stop = move || {
        if let Some(source) = source.try_update_value(Option::take).flatten() {
            source.close();
        }
    };
    on_cleanup(stop);
    let begin = move |()| {
        if matches!(*walk.read_untracked(), Walk::Going(_)) {
            return;
        }
        let begun = VerificationProgress { position: 0, head: 1 };
        walk.set(Walk::Going(begun));
        let Ok(opened) = EventSource::new(STREAM) else {
            return walk.set(Walk::Broken);
        };
        let hear = move |event: MessageEvent| {
            let data = event.data().as_string().unwrap_or_default();
            let next = match &event.type_()[..] {
                "progress" => serde_json::from_str(&data).map(Walk::Going),
                "report" => serde_json::from_str(&data).map(Walk::Over),
                _ => Ok(Walk::Broken),
            };
            let next = next.unwrap_or(Walk::Broken);
            if !matches!(next, Walk::Going(_)) {
                stop();
            }
            let _ = walk.try_set(next);
        };
        let hear = Closure::<dyn Fn(MessageEvent)>::new(hear).into_js_value();
        for name in ["progress", "report", "problem", "error"] {
            let _ = opened.add_event_listener_with_callback(name, hear.unchecked_ref());
        }
        source.set_value(Some(opened));
    };
    view! { <ActionButton label=Text::VerifyLog permission="audit.read" on_click=begin /> }
}

#[component]
pub(super) fn Verified(walk: RwSignal<Walk>) -> impl IntoView {
    view! { <div aria-live="polite">{move || shown(walk.get())}</div> }
}

fn shown(walk: Walk) -> AnyView {
    match walk {
        Walk::None => ().into_any(),
        Walk::Going(step) => view! {
            <label class="walk">{t(Text::Verifying)} " " <progress max=step.head.to_string() value=step.position.to_string()></progress></label>
        }
        .into_any(),
        Walk::Broken => view! { <p class="failure" role="alert">{t(Text::VerifyBroken)}</p> }.into_any(),
        Walk::Over(report) => match report.fault {
            None => {
                let (events, position) = (words::number(report.events.cast_signed()), words::number(report.position));
                let checkpoints = words::number(report.checkpoints.cast_signed());
                view! {
                    <p class="notice">{t(Text::LogHolds)} " " {events} " " {t(Text::EventsUpTo)} " " {position} "; " {checkpoints} " " {t(Text::CheckpointsAgree)}</p>
                }
                .into_any()
            }
            Some(fault) => view! {
                <p class="failure" role="alert">{t(Text::LogDoesNotHold)} " " {words::number(fault.position)} ": " {fault.what}</p>
            }
            .into_any(),
        },
    }
}
