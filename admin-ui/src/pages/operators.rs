//! `/operators`

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::Operator;
use serde_json::{Value, json};

use crate::{
    api,
    parts::{
        action::ActionButton,
        dialog::Dialog,
        failure::sentence,
        field::{Choice, Field, FormFailure, Refused},
        listing::{Column, Listed, Listing},
        show::{Copy, Moment, State},
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
    words,
};

const ROLES: [&str; 6] = ["owner", "admin", "support", "sales", "analyst", "auditor"];

/// What looks again when an operator was changed.
#[derive(Clone, Copy)]
struct Again(RwSignal<u32>);

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    provide_context(Again(refresh));
    let listed = Listed::<Operator> {
        path: "/api/admin/operators",
        caption: Text::Operators,
        columns: vec![
            Column::new(Text::Name, |operator| {
                operator.name.as_deref().map(words::plain).into_any()
            }),
            Column::new(Text::Email, |operator| operator.email.clone().into_any()),
            Column::new(Text::Role, |operator| operator.role.clone().into_any()),
            Column::new(Text::Status, |operator| {
                view! { <State code=operator.status.clone() /> }.into_any()
            }),
            Column::new(Text::SecondFactor, |operator| {
                t(if operator.has_second_factor {
                    Text::Yes
                } else {
                    Text::No
                })
                .into_any()
            }),
            Column::new(Text::Actions, |operator| {
                view! { <Orders operator=operator.clone() /> }.into_any()
            }),
            Column::extra(Text::CreatedAt, |operator: &Operator| {
                view! { <Moment time=operator.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::OperatorsFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Operators).to_owned())>
            <ActionButton label=Text::InviteOperator permission="operators.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <Invite open refresh />
    }
}

/// What may be done with one of them.
#[component]
fn Orders(operator: Operator) -> impl IntoView {
    let (toasts, Again(refresh)) = (toasts(), expect_context::<Again>());
    let id = operator.id.clone();
    let order = move |verb: &'static str, said: Text| {
        let path = format!("/api/admin/operators/{id}/{verb}");
        spawn_local(async move {
            match api::post::<_, Value>(&path, &json!({})).await {
                Ok(_) => {
                    toasts.say(t(said));
                    refresh.update(|count| *count += 1);
                }
                Err(failure) => toasts.say(sentence(&failure)),
            }
        });
    };
    let button = move |label: Text, verb: &'static str| {
        let order = order.clone();
        view! { <ActionButton label permission="operators.write" class="link" on_click=move |()| order(verb, Text::Done) /> }.into_any()
    };
    let mut buttons = match &operator.status[..] {
        "disabled" => vec![button(Text::Enable, "enable")],
        "locked" => vec![button(Text::Unlock, "unlock"), button(Text::Disable, "disable")],
        _ => vec![button(Text::Disable, "disable")],
    };
    if operator.has_second_factor {
        buttons.push(button(Text::ResetFactor, "reset-totp"));
    }
    view! { <span class="buttons">{buttons}</span> }
}

#[component]
fn Invite(open: RwSignal<bool>, refresh: RwSignal<u32>) -> impl IntoView {
    let [name, email] = [(); 2].map(|()| RwSignal::new(String::new()));
    let role = RwSignal::new("support".to_owned());
    let (refused, link) = (Refused::new(), RwSignal::new(None::<String>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let body =
                json!({ "name": name.get_untracked(), "email": email.get_untracked(), "role": role.get_untracked() });
            match api::post::<_, Operator>("/api/admin/operators", &body).await {
                Ok(operator) => {
                    refresh.update(|count| *count += 1);
                    link.set(operator.setup_url);
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    let close = move || {
        open.set(false);
        link.set(None);
        name.set(String::new());
        email.set(String::new());
    };
    let roles = || ROLES.map(|role| (role.to_owned(), role.to_owned())).to_vec();
    view! {
        <Dialog open title=Signal::derive(|| t(Text::InviteOperator).to_owned()) on_close=move |()| close()>
            {move || match link.get() {
                Some(link) => view! {
                    <p role="status">{move || t(Text::LinkShownOnce)}</p>
                    <p><Copy text=link /></p>
                    <div class="buttons"><button class="primary" on:click=move |_| close()>{move || t(Text::IKeptIt)}</button></div>
                }.into_any(),
                None => view! {
                    <form on:submit=submit>
                        <FormFailure refused />
                        <Field name="name" label=Text::Name value=name refused required=true autofocus=true />
                        <Field name="email" label=Text::Email value=email refused kind="email" required=true />
                        <Choice name="role" label=Text::Role value=role refused options=Signal::derive(roles) />
                        <div class="buttons">
                            <button type="button" on:click=move |_| close()>{move || t(Text::Cancel)}</button>
                            <button class="primary" type="submit">{move || t(Text::Invite)}</button>
                        </div>
                    </form>
                }.into_any(),
            }}
        </Dialog>
    }
}
