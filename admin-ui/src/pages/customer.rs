//! `/customers/{id}`: who it is, what it has, and what happened.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use licet_contracts::{
    Page as Rows,
    admin::{Customer, CustomerOverview, License},
};

use super::licenses;
use crate::{
    api::Reply,
    live::live,
    parts::{
        action::{ActionButton, ActionLink, Irreversible},
        edit::{EditForm, Edited, Kind},
        history::History,
        load::{load, section},
        order::Orders,
        show::{Copy, Fact, MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let again = RwSignal::new(0_u32);
    let doing = Doing::new();
    live().watch(id, again);
    // Another customer has nothing to do with what was begun with this one.
    Effect::new(move |before: Option<String>| {
        let id = id.get();
        if before.is_some_and(|before| before != id) {
            doing.stop();
        }
        id
    });
    let path = move || format!("/api/admin/customers/{}", id.get());
    let customer = move || {
        again.get();
        path()
    };
    let about = move |reply: Reply<Customer>| {
        doing.known.set(Some(reply.clone()));
        view! { <About customer=reply.value doing /> }.into_any()
    };
    view! {
        {load(customer, about)}
        <Asking doing again />
        <Overview path=Signal::derive(path) again />
        <Licenses id known=doing.known />
        <History path=Signal::derive(path) refresh=again />
    }
}

/// What someone is doing with the customer: it outlives each look at it.
#[derive(Clone, Copy)]
struct Doing {
    editing: RwSignal<bool>,
    retiring: RwSignal<bool>,
    forgetting: RwSignal<bool>,
    /// The customer as it was seen last.
    known: RwSignal<Option<Reply<Customer>>>,
}

impl Doing {
    fn new() -> Self {
        let [editing, retiring, forgetting] = [(); 3].map(|()| RwSignal::new(false));
        let known = RwSignal::new(None);
        Self {
            editing,
            retiring,
            forgetting,
            known,
        }
    }

    fn stop(self) {
        for one in [self.editing, self.retiring, self.forgetting] {
            one.set(false);
        }
    }
}

#[component]
fn About(customer: Customer, doing: Doing) -> impl IntoView {
    let Doing {
        editing,
        retiring,
        forgetting,
        ..
    } = doing;
    let name = customer
        .name
        .as_deref()
        .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
    let (in_use, forgotten) = (customer.status == "active", customer.forgotten);
    view! {
        <Title text=name>
            {in_use.then(|| view! {
                <ActionButton label=Text::Edit permission="customers.write" on_click=move |()| editing.set(true) />
                <ActionButton label=Text::Retire permission="customers.write" class="danger" on_click=move |()| retiring.set(true) />
            })}
            {(!forgotten).then(|| view! {
                <ActionButton label=Text::Forget permission="customers.forget" class="danger" on_click=move |()| forgetting.set(true) />
            })}
        </Title>
        {forgotten.then(|| view! { <p class="notice">{move || t(Text::ForgottenNotice)}</p> })}
        <dl class="card facts">
            <Fact name=Text::Status><State code=customer.status /></Fact>
            <Fact name=Text::Email>{customer.email}</Fact>
            <Fact name=Text::Company>{customer.company.as_deref().map(words::plain)}</Fact>
            <Fact name=Text::CreatedAt><Moment time=customer.created_at /></Fact>
            <Fact name=Text::Id><Copy text=customer.id /></Fact>
        </dl>
    }
}

/// What is asked of someone who edits, retires or forgets; it stands beside what is looked at again, so that nothing typed
/// is lost.
#[component]
fn Asking(doing: Doing, again: RwSignal<u32>) -> impl IntoView {
    let Doing {
        editing,
        retiring,
        forgetting,
        known,
    } = doing;
    let orders = Orders::new(again);
    let path = |customer: &Customer| format!("/api/admin/customers/{}", customer.id);
    let word = Signal::derive(move || {
        let name = known.read().as_ref().and_then(|known| known.value.name.clone());
        words::plain(&name.unwrap_or_default())
    });
    let retire = move |()| {
        if let Some(Reply { value, etag }) = known.get_untracked() {
            orders.delete(&path(&value), Some(&etag), Text::CustomerRetired);
        }
    };
    let forget = move |()| {
        if let Some(Reply { value, .. }) = known.get_untracked() {
            orders.post(&format!("{}/forget", path(&value)), Text::CustomerForgotten);
        }
    };
    let form = move || {
        let Reply { value, etag } = known.get_untracked()?;
        let path = path(&value);
        let fields = vec![
            Edited::new("name", Text::Name, Kind::Text, value.name),
            Edited::new("email", Text::Email, Kind::Email, value.email),
            Edited::new("company", Text::Company, Kind::Optional, value.company),
        ];
        Some(view! { <EditForm path etag fields again editing /> })
    };
    view! {
        <Show when=move || editing.get()>{form()}</Show>
        <Irreversible open=retiring title=Text::Retire explanation=Text::RetireCustomerWhy word on_confirm=retire />
        <Irreversible open=forgetting title=Text::Forget explanation=Text::ForgetWhy word on_confirm=forget />
    }
}

/// How it stands at a glance, or how it stood at the end of a day.
#[component]
fn Overview(#[prop(into)] path: Signal<String>, again: RwSignal<u32>) -> impl IntoView {
    let as_of = RwSignal::new(String::new());
    // Another customer is looked at as it stands.
    Effect::new(move |_| {
        path.track();
        as_of.set(String::new());
    });
    let overview = move || {
        again.get();
        format!("{}/overview?as_of={}", path.get(), as_of.get())
    };
    let figure = |name: Text, shown: AnyView| {
        view! { <div class="card figure"><span class="quiet">{move || t(name)}</span><strong>{shown}</strong></div> }
    };
    let shown = move |told: Reply<CustomerOverview>| {
        let told = told.value;
        view! {
            <div class="figures">
                {figure(Text::ActiveLicenses, words::number(told.licenses_by_status.active).into_any())}
                {figure(Text::SuspendedLicenses, words::number(told.licenses_by_status.suspended).into_any())}
                {figure(Text::SeatsInUse, format!("{} / {}", told.active, told.seats).into_any())}
                {figure(Text::LastSeen, view! { <MaybeMoment time=told.last_seen_at /> }.into_any())}
                {figure(Text::OpenAnomalies, view! { <a href="/anomalies">{words::number(told.open_anomalies)}</a> }.into_any())}
            </div>
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for="as-of">{move || t(Text::FiguresOf)}</label>
            <input type="date" id="as-of" prop:value=as_of on:change=move |event| as_of.set(event_target_value(&event)) />
        </div>
        {load(overview, shown)}
    }
}

/// What it has.
#[component]
fn Licenses(id: Memo<String>, known: RwSignal<Option<Reply<Customer>>>) -> impl IntoView {
    // Nothing is sold to who is out of use.
    let sells = Memo::new(move |_| known.read().as_ref().is_none_or(|known| known.value.status == "active"));
    let (listed, again) = (StoredValue::new(Vec::new()), RwSignal::new(0_u32));
    let watched = move || std::iter::once(id.get_untracked()).chain(listed.get_value()).collect();
    live().watch_all(watched, again);
    let path = move || {
        again.get();
        format!("/api/admin/licenses?limit=50&sort=-created_at&customer_id={}", id.get())
    };
    let columns: Vec<_> = licenses::columns()
        .into_iter()
        .filter(|column| column.always && column.name != Text::Customer)
        .collect();
    let columns = StoredValue::new(columns);
    let shown = move |page: Reply<Rows<License>>| {
        listed.set_value(page.value.items.iter().map(|license| license.id.clone()).collect());
        if page.value.items.is_empty() {
            return view! { <p class="quiet">{move || t(Text::NothingYet)}</p> }.into_any();
        }
        view! {
            <div class="scroll"><table>
                <caption class="hidden">{move || t(Text::Licenses)}</caption>
                <thead><tr>{columns.get_value().into_iter().map(|column| view! { <th scope="col">{move || t(column.name)}</th> }).collect_view()}</tr></thead>
                <tbody>{page.value.items.iter().map(|license| view! {
                    <tr>{columns.get_value().into_iter().map(|column| view! { <td>{(column.cell)(license)}</td> }).collect_view()}</tr>
                }).collect_view()}</tbody>
            </table></div>
        }
        .into_any()
    };
    let content = view! {
        <Show when=move || sells.get()>
            <p><ActionLink label=Text::NewLicense permission="licenses.issue" href=Signal::derive(move || format!("/licenses/new?customer={}", id.get())) /></p>
        </Show>
        {load(path, shown)}
    };
    section(Text::Licenses, content.into_any())
}
