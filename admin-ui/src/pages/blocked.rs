//! `/blocked`: from where nobody signs in.

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::BlockedAddress;
use serde_json::json;

use super::sessions::Again;
use crate::{
    api,
    parts::{
        action::ActionButton,
        dialog::Dialog,
        failure::sentence,
        field::{Field, FormFailure, Refused},
        listing::{Column, Listed, Listing},
        show::{MaybeMoment, Moment, State},
        title::Title,
        toast::toasts,
    },
    session::me,
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (me, open, refresh) = (me(), RwSignal::new(false), RwSignal::new(0_u32));
    provide_context(Again(refresh));
    let listed = Listed::<BlockedAddress> {
        path: "/api/admin/blocked-addresses",
        caption: Text::BlockedAddresses,
        columns: vec![
            Column::new(Text::Network, |block| {
                view! { <code>{block.network.clone()}</code> }.into_any()
            }),
            Column::new(Text::Status, |block| {
                view! { <State code=block.status.clone() /> }.into_any()
            }),
            Column::new(Text::Reason, |block| {
                let reason = block.reason.as_deref().map(words::plain);
                let by_itself = block.automatic.then(|| format!(" ({})", t(Text::ByItself)));
                view! { {reason} {by_itself} }.into_any()
            }),
            Column::new(Text::Since, |block| {
                view! { <Moment time=block.blocked_at.clone() /> }.into_any()
            }),
            Column::new(Text::Until, |block| {
                view! { <MaybeMoment time=block.until.clone() none=Text::UntilUnblocked /> }.into_any()
            }),
            Column::new(Text::Actions, |block| {
                let live = block.status == "blocked";
                live.then(|| view! { <Unblock id=block.id.clone() /> }).into_any()
            }),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::BlockedFirst,
    };
    let seen_as = move || me.session().and_then(|session| session.address);
    view! {
        <Title text=Signal::derive(|| t(Text::BlockedAddresses).to_owned())>
            <ActionButton label=Text::BlockAddress permission="blocked_addresses.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        {move || seen_as().map(|address| view! { <p>{move || t(Text::YouAreSeenAs)} " " <code>{address}</code></p> })}
        <Listing listed refresh />
        <Block open refresh />
    }
}

#[component]
fn Unblock(id: String) -> impl IntoView {
    let (toasts, Again(refresh)) = (toasts(), expect_context::<Again>());
    let unblock = move |()| {
        let path = format!("/api/admin/blocked-addresses/{id}");
        spawn_local(async move {
            match api::delete(&path, None).await {
                Ok(()) => {
                    toasts.say(t(Text::AddressUnblocked));
                    refresh.update(|count| *count += 1);
                }
                Err(failure) => toasts.say(sentence(&failure)),
            }
        });
    };
    view! { <ActionButton label=Text::Unblock permission="blocked_addresses.write" class="link" on_click=unblock /> }
}

#[component]
fn Block(open: RwSignal<bool>, refresh: RwSignal<u32>) -> impl IntoView {
    let [network, reason] = [(); 2].map(|()| RwSignal::new(String::new()));
    let (refused, toasts) = (Refused::new(), toasts());
    let close = move || {
        open.set(false);
        refused.clear();
        network.set(String::new());
        reason.set(String::new());
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let reason = Some(reason.get_untracked()).filter(|reason| !reason.trim().is_empty());
            let body = json!({ "network": network.get_untracked(), "reason": reason });
            match api::post::<_, BlockedAddress>("/api/admin/blocked-addresses", &body).await {
                Ok(_) => {
                    toasts.say(t(Text::AddressBlocked));
                    refresh.update(|count| *count += 1);
                    close();
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <Dialog open title=Signal::derive(|| t(Text::BlockAddress).to_owned()) on_close=move |()| close()>
            <form on:submit=submit>
                <FormFailure refused />
                <Field name="network" label=Text::Network value=network refused hint=Text::NetworkHint required=true autofocus=true />
                <Field name="reason" label=Text::Reason value=reason refused />
                <div class="buttons">
                    <button type="button" on:click=move |_| close()>{move || t(Text::Cancel)}</button>
                    <button class="danger" type="submit">{move || t(Text::BlockAddress)}</button>
                </div>
            </form>
        </Dialog>
    }
}
