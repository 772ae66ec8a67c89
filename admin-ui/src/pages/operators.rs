//! `/operators`

use leptos::prelude::*;
use licet_contracts::admin::Operator;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog, ToldOnce, one_of},
        listing::{Column, Listed, Listing},
        order::Orders,
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

const ROLES: [&str; 6] = ["owner", "admin", "support", "sales", "analyst", "auditor"];

/// The link that takes the invited one up.
const LINK: ToldOnce = ToldOnce {
    why: Text::LinkShownOnce,
    name: "setup_url",
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    Orders::provide(refresh);
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
                view! { <OrderButtons operator=operator.clone() /> }.into_any()
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
        <CreateDialog open title=Text::InviteOperator path="/api/admin/operators" fields=new confirm=Text::Invite told_once=LINK refresh />
    }
}

/// What may be done with one of them.
#[component]
fn OrderButtons(operator: Operator) -> impl IntoView {
    let (orders, id) = (Orders::of_list(), operator.id.clone());
    let button = move |label: Text, verb: &'static str| {
        let path = format!("/api/admin/operators/{id}/{verb}");
        let order = move |()| orders.post(&path, Text::Done);
        view! { <ActionButton label permission="operators.write" class="link" on_click=order /> }.into_any()
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

/// What is asked of someone who is invited.
fn new() -> Vec<Asked> {
    vec![
        Asked::text("name", Text::Name).required(),
        Asked::typed("email", Text::Email, "email").required(),
        Asked::choice("role", Text::Role, one_of(&ROLES)).with("support"),
    ]
}
