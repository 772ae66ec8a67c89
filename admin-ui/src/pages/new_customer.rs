//! `/customers/new`

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use serde_json::Value;

use crate::{
    parts::{
        create::{Asked, CreateForm},
        leaving,
        load::text_of,
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let fields = vec![
        Asked::text("name", Text::Name).required(),
        Asked::typed("email", Text::Email, "email")
            .required()
            .hint(Text::CustomerEmailHint),
        Asked::text("company", Text::Company),
    ];
    let (typed, left) = (fields.clone(), RwSignal::new(false));
    leaving::ask_before(Signal::derive(move || !left.get() && typed.iter().any(Asked::is_typed)));
    let (toasts, navigate) = (toasts(), use_navigate());
    let go = navigate.clone();
    let done = move |answer: String| {
        left.set(true);
        toasts.say(t(Text::CustomerCreated));
        let customer: Value = serde_json::from_str(&answer).unwrap_or_default();
        go(
            &format!("/customers/{}", text_of(&customer, "id")),
            NavigateOptions::default(),
        );
    };
    let cancel = move |()| navigate("/customers", NavigateOptions::default());
    view! {
        <Title text=Signal::derive(|| t(Text::NewCustomer).to_owned()) />
        <div class="card">
            <CreateForm path="/api/admin/customers" fields confirm=Text::Create on_done=done on_cancel=cancel />
        </div>
    }
}
