//! How a license stands, and what can be done with it.

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::{License, RevealedKey};
use serde_json::json;

use crate::{
    api::{self, Reply},
    parts::{
        action::{ActionButton, Irreversible},
        edit::{EditForm, Edited, Kind},
        failure::sentence,
        order::Orders,
        show::{Copy, Fact, MaybeMoment, Moment, State},
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
    words,
};

/// What someone is doing with the license: it outlives each look at it.
#[derive(Clone, Copy)]
pub(super) struct Doing {
    editing: RwSignal<bool>,
    revoking: RwSignal<bool>,
    /// The key, once it was revealed.
    key: RwSignal<Option<String>>,
    /// The license as it was seen last.
    known: RwSignal<Option<Reply<License>>>,
}

impl Doing {
    pub(super) fn new() -> Self {
        Self {
            editing: RwSignal::new(false),
            revoking: RwSignal::new(false),
            key: RwSignal::new(None),
            known: RwSignal::new(None),
        }
    }

    pub(super) fn stop(self) {
        self.editing.set(false);
        self.revoking.set(false);
        self.key.set(None);
    }

    pub(super) fn sees(self, reply: &Reply<License>) {
        self.known.set(Some(reply.clone()));
    }
}

/// What is asked of someone who edits or revokes; it stands beside what is looked at again, so that nothing typed is lost.
#[component]
pub(super) fn Asking(doing: Doing, again: RwSignal<u32>) -> impl IntoView {
    let Doing {
        editing,
        revoking,
        known,
        ..
    } = doing;
    let orders = Orders::new(again);
    let word = move || {
        let masked = known.read().as_ref().map(|known| known.value.key_masked.clone());
        masked
            .unwrap_or_default()
            .rsplit('-')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let revoke = move |()| {
        if let Some(known) = known.get_untracked() {
            orders.post(
                &format!("/api/admin/licenses/{}/revoke", known.value.id),
                Text::LicenseRevoked,
            );
        }
    };
    let form = move || {
        let Reply { value: license, etag } = known.get_untracked()?;
        let seats = Some(license.seats.to_string());
        let fields = vec![
            Edited::new("seats", Text::Seats, Kind::Number, seats).undone_by(license.seats_override),
            Edited::new("expires_at", Text::ExpiresAt, Kind::Day, license.expires_at),
            Edited::new("note", Text::Note, Kind::Optional, license.note),
        ];
        let path = format!("/api/admin/licenses/{}", license.id);
        Some(view! { <EditForm path etag fields again editing /> })
    };
    view! {
        <Show when=move || editing.get()>{form()}</Show>
        <Irreversible open=revoking title=Text::Revoke explanation=Text::RevokeWhy word=Signal::derive(word) on_confirm=revoke />
    }
}

#[component]
pub(super) fn About(license: License, again: RwSignal<u32>, doing: Doing, past: bool) -> impl IntoView {
    let toasts = toasts();
    let path = format!("/api/admin/licenses/{}", license.id);
    let Doing {
        editing, revoking, key, ..
    } = doing;
    let verb = |verb: &str| format!("{path}/{verb}");
    let (suspend, resume, renew, reveal) = (verb("suspend"), verb("resume"), verb("renew"), verb("reveal-key"));
    let orders = Orders::new(again);
    let back = resume.clone();
    let do_suspend = move |()| orders.post_with_undo(&suspend, Text::LicenseSuspended, back.clone());
    let do_resume = move |()| orders.post(&resume, Text::LicenseResumed);
    let do_renew = move |()| orders.post(&renew, Text::LicenseRenewed);
    let do_reveal = move |()| {
        let path = reveal.clone();
        spawn_local(async move {
            let revealed = api::post(&path, &json!({})).await;
            match revealed.and_then(|revealed| api::parse::<RevealedKey>(&revealed.value)) {
                Ok(revealed) => key.set(Some(revealed.key)),
                Err(failure) => toasts.say(sentence(&failure)),
            }
        });
    };
    let suspended = license.status == "suspended";
    let over = license.status == "revoked";
    let customer = license
        .customer
        .as_deref()
        .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    view! {
        <Title text=license.key_masked.clone()>
            {(!past && !over).then(|| view! {
                {if suspended {
                    view! { <ActionButton label=Text::Resume permission="licenses.write" on_click=do_resume /> }.into_any()
                } else {
                    view! { <ActionButton label=Text::Suspend permission="licenses.write" on_click=do_suspend /> }.into_any()
                }}
                <ActionButton label=Text::Renew permission="licenses.write" on_click=do_renew />
                <ActionButton label=Text::Revoke permission="licenses.revoke" class="danger" on_click=move |()| revoking.set(true) />
            })}
        </Title>
        {past.then(|| view! { <p class="notice">{move || t(Text::ThisIsThePast)}</p> })}
        <dl class="card facts">
            <Fact name=Text::Status><State code=license.status /></Fact>
            <Fact name=Text::Customer><a href=format!("/customers/{}", license.customer_id)>{customer}</a></Fact>
            <Fact name=Text::Product>{license.product}</Fact>
            <Fact name=Text::Policy>{license.policy}</Fact>
            <Fact name=Text::Seats>
                <span class="seats">{license.active} " / " {license.seats}</span>
                {(!past && !over).then(|| view! { <ActionButton label=Text::Edit permission="licenses.write" class="link" on_click=move |()| editing.set(true) /> })}
            </Fact>
            <Fact name=Text::ValidFrom><Moment time=license.valid_from /></Fact>
            <Fact name=Text::ExpiresAt><MaybeMoment time=license.expires_at /></Fact>
            <Fact name=Text::Key>
                {move || match key.get() {
                    Some(key) => view! { <Copy text=key /> }.into_any(),
                    None => view! { <ActionButton label=Text::RevealKey permission="license_keys.reveal" class="link" on_click=do_reveal.clone() /> }.into_any(),
                }}
            </Fact>
            <Fact name=Text::Note>{license.note.as_deref().map(words::plain)}</Fact>
            <Fact name=Text::Id><Copy text=license.id /></Fact>
        </dl>
    }
}
