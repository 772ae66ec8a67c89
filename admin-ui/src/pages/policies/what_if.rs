//! What other terms would have meant, judged by what really happened.

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::simulation::SimulationResult;
use serde_json::Value;

use crate::{
    api,
    parts::{
        edit::{Edited, changes},
        field::{FormFailure, Refused},
    },
    text::{Text, t},
    words,
};

/// Licenses that are named of each kind.
const NAMED: usize = 5;

/// What was found: how many machines or licenses, and some of the licenses.
#[derive(Clone, Default)]
struct Found {
    count: usize,
    licenses: Vec<String>,
}

impl Found {
    fn add<'a>(&mut self, licenses: impl Iterator<Item = &'a String>) {
        for license in licenses {
            self.count += 1;
            if self.licenses.len() < NAMED && !self.licenses.contains(license) {
                self.licenses.push(license.clone());
            }
        }
    }
}

/// The sum over all answers so far.
#[derive(Clone, Default)]
struct Told {
    licenses: u64,
    activations: u64,
    refused: Found,
    silent: Found,
    over_seats: Found,
    over_limits: Found,
    complete: bool,
}

impl Told {
    fn add(&mut self, answer: &SimulationResult) {
        self.licenses += answer.licenses;
        self.activations += answer.activations;
        self.refused.add(answer.refused.iter().map(|one| &one.license_id));
        self.silent.add(answer.silent.iter().map(|one| &one.license_id));
        self.over_seats.add(answer.over_seats.iter().map(|one| &one.license_id));
        self.over_limits
            .add(answer.over_limits.iter().map(|one| &one.license_id));
        self.complete = answer.next_cursor.is_none();
    }
}

#[component]
pub(super) fn WhatIf(path: String, fields: Vec<Edited>) -> impl IntoView {
    let (told, refused, asking) = (RwSignal::new(None::<Told>), Refused::new(), RwSignal::new(false));
    let ask = move |_| {
        let (path, mut order) = (format!("{path}/simulate"), changes(&fields));
        if asking.get_untracked() {
            return;
        }
        asking.set(true);
        told.set(Some(Told::default()));
        spawn_local(async move {
            refused.clear();
            loop {
                let answer = api::post(&path, &order).await;
                match answer.and_then(|answer| api::parse::<SimulationResult>(&answer.value)) {
                    Ok(answer) => {
                        // The dialog may have been left meanwhile.
                        if told
                            .try_update(|told| told.get_or_insert_default().add(&answer))
                            .is_none()
                        {
                            return;
                        }
                        let Some(next) = answer.next_cursor else {
                            asking.set(false);
                            return;
                        };
                        order["cursor"] = Value::from(next);
                    }
                    Err(failure) => {
                        asking.set(false);
                        told.set(None);
                        return refused.set_whole(failure);
                    }
                }
            }
        });
    };
    view! {
        <section aria-label=move || t(Text::WhatIf)>
            <FormFailure refused />
            <button type="button" on:click=ask>{move || t(Text::WhatIf)}</button>
            <div aria-live="polite">{move || told.get().map(shown)}</div>
        </section>
    }
}

fn shown(told: Told) -> impl IntoView {
    let line = |name: Text, found: Found| {
        let links = found.licenses.into_iter().enumerate().map(|(place, id)| {
            view! { " " <a href=format!("/licenses/{id}")>{t(Text::License)} " " {place + 1}</a> }
        });
        let links = links.collect_view();
        view! { <li>{t(name)} ": " <strong>{found.count}</strong> {links}</li> }
    };
    let count = |count: u64| words::number(count.cast_signed());
    view! {
        <p class="quiet">
            {t(Text::WhatIfOf)} " · " {t(Text::Licenses)} ": " {count(told.licenses)} " · " {t(Text::ActivationsWord)} ": "
            {count(told.activations)} {(!told.complete).then_some(" …")}
        </p>
        <ul>
            {line(Text::WouldBeRefused, told.refused)}
            {line(Text::WouldFallSilent, told.silent)}
            {line(Text::WouldBeOverSeats, told.over_seats)}
            {line(Text::WouldBeOverLimits, told.over_limits)}
        </ul>
    }
}
