//! What a machine's request file is for: it is checked out for a time without the network, or gets another machine's seat.

use leptos::{html, prelude::*, task::spawn_local};
use licet_contracts::lease::RequestFile;
use serde_json::{Value, json};
use wasm_bindgen_futures::JsFuture;

use crate::{
    api, export,
    parts::{
        dialog::Dialog,
        field::{Field, FormFailure, Refused},
        toast::toasts,
    },
    text::{Text, t},
    words,
};

/// What the file is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    /// A seat, and a lease for some days.
    CheckOut,
    /// The seat that this activation has.
    Move(String),
}

#[component]
pub(super) fn OfflineDialog(
    #[prop(into)] path: Signal<String>,
    errand: RwSignal<Option<Errand>>,
    again: RwSignal<u32>,
) -> impl IntoView {
    let title = move || {
        t(match &*errand.read() {
            Some(Errand::Move(_)) => Text::MoveSeat,
            _ => Text::CheckOut,
        })
        .to_owned()
    };
    let open = Signal::derive(move || errand.read().is_some());
    view! {
        <Dialog open title=Signal::derive(title) on_close=move |()| errand.set(None)>
            <Form path errand again />
        </Dialog>
    }
}

#[component]
fn Form(path: Signal<String>, errand: RwSignal<Option<Errand>>, again: RwSignal<u32>) -> impl IntoView {
    let (refused, toasts, sending) = (Refused::new(), toasts(), RwSignal::new(false));
    let (text, days) = (RwSignal::new(String::new()), RwSignal::new("30".to_owned()));
    let is_check_out = move || *errand.read() == Some(Errand::CheckOut);
    let input = NodeRef::<html::Input>::new();
    let read = move |_| {
        let file = input
            .get_untracked()
            .and_then(|input| input.files())
            .and_then(|files| files.get(0));
        let Some(file) = file else { return };
        spawn_local(async move {
            let read = JsFuture::from(file.text()).await.ok().and_then(|read| read.as_string());
            text.set(read.unwrap_or_default());
        });
    };
    let machine = move || serde_json::from_str::<RequestFile>(&text.read()).ok();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (path, Some(wanted)) = (path.get_untracked(), errand.get_untracked()) else {
            return;
        };
        sending.set(true);
        spawn_local(async move {
            refused.clear();
            let done = match wanted {
                Errand::CheckOut => check_out(&path, &text.get_untracked(), &days.get_untracked()).await,
                Errand::Move(from) => hand_over(&path, &from, untrack(machine)).await,
            };
            if sending.try_set(false).is_some() {
                return;
            }
            match done {
                Ok(said) => {
                    toasts.say(t(said));
                    errand.set(None);
                    again.update(|count| *count += 1);
                }
                Err(failure) => refused.set_whole(failure),
            }
        });
    };
    view! {
        <form on:submit=submit>
            <p>{move || t(if is_check_out() { Text::CheckOutWhy } else { Text::MoveSeatWhy })}</p>
            <p><code>"licet-client request"</code></p>
            <FormFailure refused />
            <div class="field">
                <label for="request-file">{move || t(Text::RequestFile)}</label>
                <input id="request-file" type="file" accept=".json,application/json" required node_ref=input on:change=read />
                <p class="hint" aria-live="polite">{move || match machine() {
                    Some(machine) => words::plain(&machine.hostname.unwrap_or_default()),
                    None if text.read().is_empty() => t(Text::RequestFileHint).to_owned(),
                    None => t(Text::NoRequestFile).to_owned(),
                }}</p>
            </div>
            <Show when=is_check_out>
                <Field name="days" label=Text::DaysField value=days refused kind="number" required=true />
            </Show>
            <div class="buttons">
                <button type="button" on:click=move |_| errand.set(None)>{move || t(Text::Cancel)}</button>
                <button class="primary" type="submit" disabled=move || sending.get() || machine().is_none()>{move || t(if is_check_out() { Text::CheckOut } else { Text::MoveSeat })}</button>
            </div>
        </form>
    }
}

/// Gives the machine a seat and a lease, and hands its answer file out.
async fn check_out(path: &str, request: &str, days: &str) -> Result<Text, api::Failure> {
    let days = days
        .trim()
        .parse::<i64>()
        .map_or_else(|_| Value::from(days), Value::from);
    let order = json!({ "request": request, "days": days });
    let answer = api::post(&format!("{path}/check-out"), &order).await?;
    export::save("licet-answer.json", &answer.value);
    Ok(Text::CheckedOut)
}

/// Gives the machine another one's seat.
async fn hand_over(path: &str, from: &str, to: Option<RequestFile>) -> Result<Text, api::Failure> {
    let order = match to {
        Some(to) => {
            json!({ "from_activation_id": from, "fingerprint": to.fingerprint, "hostname": to.hostname, "os": to.os })
        }
        None => json!({ "from_activation_id": from }),
    };
    api::post(&format!("{path}/transfer"), &order).await?;
    Ok(Text::SeatMoved)
}
