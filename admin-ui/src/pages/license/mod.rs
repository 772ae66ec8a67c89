//! `/licenses/{id}`: how it stands now or stood at any moment, its machines and what they did, what was refused, and what
//! happened.

mod about;
mod machines;
mod offline;
mod refusals;
mod travel;
mod usage;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use licet_contracts::admin::License;

use about::{About, Asking, Doing};
use machines::Machines;
use refusals::Refusals;
use travel::TimeTravel;
use usage::Usage;

use crate::{
    api::Reply,
    live::live,
    parts::{history::History, load::load},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let (again, as_of) = (RwSignal::new(0_u32), RwSignal::new(None::<i64>));
    let doing = Doing::new();
    live().watch(id, again);
    // Another license is shown as it is now.
    Effect::new(move |before: Option<String>| {
        let id = id.get();
        if before.is_some_and(|before| before != id) {
            as_of.set(None);
            doing.stop();
        }
        id
    });
    let path = move || format!("/api/admin/licenses/{}", id.get());
    let license = move || {
        again.get();
        let moment = as_of.get().map(|position| format!("?as_of={position}"));
        format!("{}{}", path(), moment.unwrap_or_default())
    };
    let about = move |reply: Reply<License>| {
        doing.sees(&reply);
        view! { <About license=reply.value again doing past=as_of.get().is_some() /> }.into_any()
    };
    view! {
        {load(license, about)}
        <Asking doing again />
        <TimeTravel path=Signal::derive(path) as_of again />
        <Machines path=Signal::derive(path) again />
        <Usage path=Signal::derive(path) again />
        <Refusals path=Signal::derive(path) again />
        <History path=Signal::derive(path) refresh=again />
    }
}
