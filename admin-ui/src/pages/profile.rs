//! `/profile`: one's own password, recovery codes and sessions.

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::Session;
use serde_json::json;

use super::sessions::{End, columns};
use crate::{
    api,
    parts::{
        field::{Field, FormFailure, Refused},
        listing::{Listed, Listing},
        order::Orders,
        show::{Fact, Moment},
        title::Title,
        toast::toasts,
    },
    session::me,
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let me = me();
    let refresh = RwSignal::new(0_u32);
    Orders::provide(refresh);
    let listed = Listed::<Session> {
        path: "/api/auth/sessions",
        caption: Text::OwnSessions,
        columns: columns(|session| {
            // What everybody may do with their own.
            view! { <End path=format!("/api/auth/sessions/{}", session.id) ended={session.status == "ended"} permission="permissions.read" /> }.into_any()
        }),
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::NothingYet,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Profile).to_owned()) />
        {move || me.session().map(|session| view! {
            <dl class="card facts">
                <Fact name=Text::Name>{words::plain(&session.operator.name)}</Fact>
                <Fact name=Text::Email>{session.operator.email}</Fact>
                <Fact name=Text::Role>{session.operator.role}</Fact>
                <Fact name=Text::RecoveryCodesLeft>{session.operator.recovery_codes_left}</Fact>
                <Fact name=Text::SessionEndsAt><Moment time=session.expires_at /></Fact>
            </dl>
        })}
        <Password refresh />
        <h2>{move || t(Text::OwnSessions)}</h2>
        <Listing listed refresh />
    }
}

#[component]
fn Password(refresh: RwSignal<u32>) -> impl IntoView {
    let [old, new] = [(); 2].map(|()| RwSignal::new(String::new()));
    let (refused, toasts) = (Refused::new(), toasts());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let body = json!({ "old": old.get_untracked(), "new": new.get_untracked() });
            match api::step("/api/auth/password", &body).await {
                Ok(_) => {
                    old.set(String::new());
                    new.set(String::new());
                    toasts.say(t(Text::PasswordIsChanged));
                    refresh.update(|count| *count += 1);
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    view! {
        <form class="card" on:submit=submit>
            <h2>{move || t(Text::ChangePassword)}</h2>
            <FormFailure refused />
            <Field name="old" label=Text::OldPassword value=old refused kind="password" autocomplete="current-password" required=true />
            <Field name="new" label=Text::NewPassword value=new refused kind="password" hint=Text::PasswordHint autocomplete="new-password" required=true />
            <div class="buttons"><button class="primary" type="submit">{move || t(Text::ChangePassword)}</button></div>
        </form>
    }
}
