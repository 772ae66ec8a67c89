//! `/api-keys`

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::ApiKey;
use serde_json::json;

use crate::{
    api,
    parts::{
        action::ActionButton,
        dialog::Dialog,
        field::{Choice, Field, FormFailure, Refused},
        listing::{Column, Listed, Listing},
        show::{Copy, MaybeMoment, Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let listed = Listed::<ApiKey> {
        path: "/api/admin/api-keys",
        caption: Text::ApiKeys,
        columns: vec![
            Column::new(Text::Name, |key| words::plain(&key.name).into_any()),
            Column::new(Text::Prefix, |key| {
                view! { <code>{key.prefix.clone()}"…"</code> }.into_any()
            }),
            Column::new(Text::Scopes, |key| key.scopes.join(", ").into_any()),
            Column::new(Text::Status, |key| {
                view! { <State code=key.status.clone() /> }.into_any()
            }),
            Column::new(Text::LastUsed, |key| {
                view! { <MaybeMoment time=key.last_used_at.clone() /> }.into_any()
            }),
            Column::new(Text::ExpiresAt, |key| {
                view! { <MaybeMoment time=key.expires_at.clone() /> }.into_any()
            }),
            Column::extra(Text::CreatedAt, |key: &ApiKey| {
                view! { <Moment time=key.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::ApiKeysFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::ApiKeys).to_owned())>
            <ActionButton label=Text::NewApiKey permission="api_keys.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <New open refresh />
    }
}

#[component]
fn New(open: RwSignal<bool>, refresh: RwSignal<u32>) -> impl IntoView {
    let (name, scope) = (RwSignal::new(String::new()), RwSignal::new("client".to_owned()));
    let (refused, made) = (Refused::new(), RwSignal::new(None::<String>));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let body = json!({ "name": name.get_untracked(), "scopes": [scope.get_untracked()] });
            match api::post::<_, ApiKey>("/api/admin/api-keys", &body).await {
                Ok(key) => {
                    refresh.update(|count| *count += 1);
                    made.set(key.key);
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    let close = move || {
        open.set(false);
        made.set(None);
        name.set(String::new());
    };
    let scopes = || {
        ["client", "read", "admin"]
            .map(|scope| (scope.to_owned(), scope.to_owned()))
            .to_vec()
    };
    view! {
        <Dialog open title=Signal::derive(|| t(Text::NewApiKey).to_owned()) on_close=move |()| close()>
            {move || match made.get() {
                Some(key) => view! {
                    <p role="status">{move || t(Text::KeyShownOnce)}</p>
                    <p><Copy text=key /></p>
                    <div class="buttons"><button class="primary" on:click=move |_| close()>{move || t(Text::IKeptIt)}</button></div>
                }.into_any(),
                None => view! {
                    <form on:submit=submit>
                        <FormFailure refused />
                        <Field name="name" label=Text::Name value=name refused required=true autofocus=true />
                        <Choice name="scopes" label=Text::Scopes value=scope refused options=Signal::derive(scopes) />
                        <div class="buttons">
                            <button type="button" on:click=move |_| close()>{move || t(Text::Cancel)}</button>
                            <button class="primary" type="submit">{move || t(Text::Create)}</button>
                        </div>
                    </form>
                }.into_any(),
            }}
        </Dialog>
    }
}
