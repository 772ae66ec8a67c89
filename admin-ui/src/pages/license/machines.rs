//! The machines of a license.

use leptos::prelude::*;
use licet_contracts::{Page as Rows, license::ActivationSummary};

use super::offline::{Errand, OfflineDialog};
use crate::{
    api::Reply,
    parts::{
        action::ActionButton,
        load::{load, section},
        order::Orders,
        show::{MaybeMoment, State},
    },
    text::{Text, t},
    words,
};

#[component]
pub(super) fn Machines(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let orders = Orders::new(again);
    let errand = RwSignal::new(None::<Errand>);
    let rows = move || {
        again.get();
        format!("{}/activations?limit=200", path.get())
    };
    let row = move |machine: ActivationSummary| {
        let name = machine.hostname.as_deref().map_or_else(|| "–".to_owned(), words::plain);
        let held = machine.status != "deactivated";
        let id = machine.activation_id;
        let moved = id.clone();
        let give = move |()| errand.set(Some(Errand::Move(moved.clone())));
        let free = move |()| {
            let path = format!("{}/activations/{id}/deactivate", path.get_untracked());
            orders.post(&path, Text::SeatFreed);
        };
        view! {
            <tr>
                <td>{name}</td>
                <td><State code=machine.status /></td>
                <td>{machine.os}</td>
                <td>{machine.app_version}</td>
                <td><MaybeMoment time=machine.last_seen_at /></td>
                <td>{held.then(|| view! {
                    <ActionButton label=Text::MoveSeat permission="activations.write" class="link" on_click=give />
                    <ActionButton label=Text::FreeSeat permission="activations.write" class="link" on_click=free />
                })}</td>
            </tr>
        }
    };
    let shown = move |page: Reply<Rows<ActivationSummary>>| {
        if page.value.items.is_empty() {
            return view! { <p class="quiet">{move || t(Text::NoDeviceYet)}</p> }.into_any();
        }
        view! {
            <div class="scroll"><table>
                <caption class="hidden">{move || t(Text::Devices)}</caption>
                <thead><tr>
                    {[Text::Hostname, Text::Status, Text::Os, Text::Version, Text::LastSeen, Text::Actions].map(|name| view! { <th scope="col">{move || t(name)}</th> }).collect_view()}
                </tr></thead>
                <tbody>{page.value.items.into_iter().map(row).collect_view()}</tbody>
            </table></div>
        }
        .into_any()
    };
    let content = view! {
        <p><ActionButton label=Text::CheckOut permission="activations.write" on_click=move |()| errand.set(Some(Errand::CheckOut)) /></p>
        {load(rows, shown)}
        <OfflineDialog path errand again />
    };
    section(Text::Devices, content.into_any())
}
