//! `/licenses/{id}`: how it stands now or stood at any moment, its machines, what was refused, and what happened.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use licet_contracts::{
    Page as Rows,
    admin::{License, RevealedKey},
    license::ActivationSummary,
    usage::Decision,
};
use serde_json::{Value, json};

use crate::{
    api::{self, Reply},
    parts::{
        action::{ActionButton, Irreversible},
        edit::{EditForm, Edited, Kind},
        failure::{FailureNote, sentence},
        history::History,
        show::{Copy, Fact, MaybeMoment, Moment, State},
        title::Title,
        toast::{ToastList, toasts},
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let (again, as_of) = (RwSignal::new(0_u32), RwSignal::new(None::<i64>));
    let path = move || format!("/api/admin/licenses/{}", id.get());
    let license = LocalResource::new(move || {
        again.get();
        let moment = as_of
            .get()
            .map(|position| format!("?as_of={position}"))
            .unwrap_or_default();
        let path = format!("{}{moment}", path());
        async move { api::read::<License>(&path).await }
    });
    view! {
        <Transition fallback=|| view! { <div class="skeleton tall"></div> }>
            {move || license.get().map(|answer| match answer {
                Ok(reply) => view! { <About reply again past=as_of.get().is_some() /> }.into_any(),
                Err(failure) => view! { <FailureNote failure retry=move |()| license.refetch() /> }.into_any(),
            })}
        </Transition>
        <TimeTravel path=Signal::derive(path) as_of again />
        <Machines path=Signal::derive(path) again />
        <Refusals path=Signal::derive(path) again />
        <History path=Signal::derive(path) refresh=again />
    }
}

/// Orders something of the license, says so, and offers the way back.
fn order(path: String, body: Value, said: Text, undo: Option<String>, toasts: ToastList, again: RwSignal<u32>) {
    spawn_local(async move {
        match api::post::<_, Value>(&path, &body).await {
            Ok(_) => {
                again.update(|count| *count += 1);
                match undo {
                    Some(back) => toasts.say_with_undo(t(said), move || {
                        order(
                            back.clone(),
                            json!({ "reason": "undo" }),
                            Text::Undone,
                            None,
                            toasts,
                            again,
                        );
                    }),
                    None => toasts.say(t(said)),
                }
            }
            Err(failure) => toasts.say(sentence(&failure)),
        }
    });
}

#[component]
fn About(reply: Reply<License>, again: RwSignal<u32>, past: bool) -> impl IntoView {
    let (license, toasts) = (reply.value, toasts());
    let path = format!("/api/admin/licenses/{}", license.id);
    let (revoking, editing) = (RwSignal::new(false), RwSignal::new(false));
    let key = RwSignal::new(None::<String>);
    let verb = |verb: &str| format!("{path}/{verb}");
    let (suspend, resume, revoke, renew, reveal) = (
        verb("suspend"),
        verb("resume"),
        verb("revoke"),
        verb("renew"),
        verb("reveal-key"),
    );
    let back = resume.clone();
    let do_suspend = move |()| {
        order(
            suspend.clone(),
            json!({}),
            Text::LicenseSuspended,
            Some(back.clone()),
            toasts,
            again,
        );
    };
    let do_resume = move |()| order(resume.clone(), json!({}), Text::LicenseResumed, None, toasts, again);
    let do_revoke = move |()| order(revoke.clone(), json!({}), Text::LicenseRevoked, None, toasts, again);
    let do_renew = move |()| order(renew.clone(), json!({}), Text::LicenseRenewed, None, toasts, again);
    let do_reveal = move |()| {
        let path = reveal.clone();
        spawn_local(async move {
            match api::post::<_, RevealedKey>(&path, &json!({})).await {
                Ok(revealed) => key.set(Some(revealed.key)),
                Err(failure) => toasts.say(sentence(&failure)),
            }
        });
    };
    let suspended = license.status == "suspended";
    let over = license.status == "revoked";
    let word = license.key_masked.rsplit('-').next().unwrap_or_default().to_owned();
    let customer = license
        .customer
        .as_deref()
        .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    let (etag, edited) = (reply.etag, path.clone());
    let own_seats = license.seats_override;
    let (seats, expires_at, note) = (license.seats, license.expires_at.clone(), license.note.clone());
    let fields = move || {
        vec![
            Edited::new("seats", Text::Seats, Kind::Number, Some(seats.to_string())).undone_by(own_seats),
            Edited::new("expires_at", Text::ExpiresAt, Kind::Day, expires_at.clone()),
            Edited::new("note", Text::Note, Kind::Optional, note.clone()),
        ]
    };
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
        <Show when=move || editing.get()>
            <EditForm path=edited.clone() etag=etag.clone() fields=fields() again editing />
        </Show>
        <Irreversible open=revoking title=Text::Revoke explanation=Text::RevokeWhy word=word on_confirm=do_revoke />
    }
}

/// A slider over the license's events: it shows the license as it stood after each.
#[component]
fn TimeTravel(#[prop(into)] path: Signal<String>, as_of: RwSignal<Option<i64>>, again: RwSignal<u32>) -> impl IntoView {
    let events = LocalResource::new(move || {
        again.get();
        let path = format!("{}/events?limit=200", path.get());
        async move {
            let page = api::get::<Rows<licet_contracts::admin::Event>>(&path).await;
            page.map(|page| page.items).unwrap_or_default()
        }
    });
    let known = move || events.get().unwrap_or_default();
    let last = move || known().len().saturating_sub(1);
    let chosen = RwSignal::new(None::<usize>);
    let slide = move |event: leptos::ev::Event| {
        let place = event_target_value(&event).parse::<usize>().unwrap_or_default();
        let events = known();
        let now = place + 1 >= events.len();
        chosen.set((!now).then_some(place));
        as_of.set(events.get(place).filter(|_| !now).map(|event| event.position));
    };
    let said = move || {
        let events = known();
        let place = chosen.get().unwrap_or_else(|| events.len().saturating_sub(1));
        let event = events.get(place);
        event
            .map(|event| format!("{} · {}", words::event(&event.kind), words::moment(&event.recorded_at)))
            .unwrap_or_default()
    };
    move || {
        (known().len() > 1).then(|| {
            view! {
                <div class="card travel">
                    <label for="as-of">{move || t(Text::AsItWas)}</label>
                    <input id="as-of" type="range" min="0" max=last().to_string()
                        prop:value=move || chosen.get().unwrap_or_else(last).to_string()
                        aria-valuetext=said on:change=slide />
                    <output>{said}</output>
                </div>
            }
        })
    }
}

#[component]
fn Machines(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let toasts = toasts();
    let rows = LocalResource::new(move || {
        again.get();
        let path = format!("{}/activations?limit=200", path.get());
        async move { api::get::<Rows<ActivationSummary>>(&path).await }
    });
    let row = move |machine: ActivationSummary| {
        let name = machine.hostname.as_deref().map_or_else(|| "–".to_owned(), words::plain);
        let held = machine.status != "deactivated";
        let id = machine.activation_id;
        let free = move |()| {
            let path = format!("{}/activations/{id}/deactivate", path.get_untracked());
            order(path, json!({}), Text::SeatFreed, None, toasts, again);
        };
        view! {
            <tr>
                <td>{name}</td>
                <td><State code=machine.status /></td>
                <td>{machine.os}</td>
                <td>{machine.app_version}</td>
                <td><MaybeMoment time=machine.last_seen_at /></td>
                <td>{held.then(|| view! { <ActionButton label=Text::FreeSeat permission="activations.write" class="link" on_click=free /> })}</td>
            </tr>
        }
    };
    view! {
        <section class="card" aria-label=move || t(Text::Devices)>
            <h2>{move || t(Text::Devices)}</h2>
            <Transition fallback=|| view! { <div class="skeleton"></div> }>
                {move || rows.get().map(|answer| match answer {
                    Ok(page) if page.items.is_empty() => view! { <p class="quiet">{move || t(Text::NoDeviceYet)}</p> }.into_any(),
                    Ok(page) => view! {
                        <div class="scroll"><table>
                            <caption class="hidden">{move || t(Text::Devices)}</caption>
                            <thead><tr>
                                {[Text::Hostname, Text::Status, Text::Os, Text::Version, Text::LastSeen, Text::Actions].map(|name| view! { <th scope="col">{move || t(name)}</th> }).collect_view()}
                            </tr></thead>
                            <tbody>{page.items.into_iter().map(row).collect_view()}</tbody>
                        </table></div>
                    }.into_any(),
                    Err(failure) => view! { <FailureNote failure retry=move |()| rows.refetch() /> }.into_any(),
                })}
            </Transition>
        </section>
    }
}

/// What machines were refused, and why.
#[component]
fn Refusals(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let rows = LocalResource::new(move || {
        again.get();
        let path = format!("{}/decisions?limit=50", path.get());
        async move { api::get::<Rows<Decision>>(&path).await }
    });
    let row = |decision: Decision| {
        let facts = decision.facts.as_object().into_iter().flatten();
        let facts: Vec<String> = facts
            .map(|(name, value)| format!("{}: {value}", name.replace('_', " ")))
            .collect();
        view! {
            <li>
                <strong>{words::event(&decision.code.to_lowercase())}</strong> " · " {words::event(&decision.asked)} " · "
                {decision.machine.as_deref().map(words::plain)} " ×" {decision.count} " · " <Moment time=decision.last_at />
                <p class="quiet">{facts.join(" · ")}</p>
            </li>
        }
    };
    view! {
        <section class="card" aria-label=move || t(Text::Refusals)>
            <h2>{move || t(Text::Refusals)}</h2>
            <Transition fallback=|| view! { <div class="skeleton"></div> }>
                {move || rows.get().map(|answer| match answer {
                    Ok(page) if page.items.is_empty() => view! { <p class="quiet">{move || t(Text::NoRefusal)}</p> }.into_any(),
                    Ok(page) => view! { <ol class="history">{page.items.into_iter().map(row).collect_view()}</ol> }.into_any(),
                    Err(failure) => view! { <FailureNote failure retry=move |()| rows.refetch() /> }.into_any(),
                })}
            </Transition>
        </section>
    }
}
