//! `/products`

use leptos::{prelude::*, task::spawn_local};
use licet_contracts::admin::Product;
use serde_json::json;

use crate::{
    api,
    parts::{
        action::ActionButton,
        dialog::Dialog,
        field::{Choice, Field, FormFailure, Refused},
        listing::{Column, Listed, Listing},
        show::{Moment, State},
        title::Title,
        toast::toasts,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let listed = Listed::<Product> {
        path: "/api/admin/products",
        caption: Text::Products,
        columns: vec![
            Column::new(Text::Code, |product| {
                view! { <code>{product.code.clone()}</code> }.into_any()
            }),
            Column::new(Text::Name, |product| words::plain(&product.name).into_any()),
            Column::new(Text::VersionScheme, |product| product.version_scheme.clone().into_any()),
            Column::new(Text::Status, |product| {
                view! { <State code=product.status.clone() /> }.into_any()
            }),
            Column::new(Text::CreatedAt, |product: &Product| {
                view! { <Moment time=product.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![],
        searched: false,
        sort: Some("created_at"),
        first_step: Text::ProductsFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Products).to_owned())>
            <ActionButton label=Text::NewProduct permission="products.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <New open refresh />
    }
}

#[component]
fn New(open: RwSignal<bool>, refresh: RwSignal<u32>) -> impl IntoView {
    let [code, name] = [(); 2].map(|()| RwSignal::new(String::new()));
    let scheme = RwSignal::new("semver".to_owned());
    let (refused, toasts) = (Refused::new(), toasts());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            refused.clear();
            let body = json!({ "code": code.get_untracked(), "name": name.get_untracked(), "version_scheme": scheme.get_untracked() });
            match api::post::<_, Product>("/api/admin/products", &body).await {
                Ok(_) => {
                    open.set(false);
                    refresh.update(|count| *count += 1);
                    toasts.say(t(Text::Created));
                }
                Err(failure) => refused.set(failure),
            }
        });
    };
    let schemes = || {
        ["semver", "numeric", "calendar"]
            .map(|scheme| (scheme.to_owned(), scheme.to_owned()))
            .to_vec()
    };
    view! {
        <Dialog open title=Signal::derive(|| t(Text::NewProduct).to_owned()) on_close=move |()| open.set(false)>
            <form on:submit=submit>
                <FormFailure refused />
                <Field name="code" label=Text::Code value=code refused hint=Text::CodeOfThingHint required=true autofocus=true />
                <Field name="name" label=Text::Name value=name refused required=true />
                <Choice name="version_scheme" label=Text::VersionScheme value=scheme refused options=Signal::derive(schemes) />
                <div class="buttons">
                    <button type="button" on:click=move |_| open.set(false)>{move || t(Text::Cancel)}</button>
                    <button class="primary" type="submit">{move || t(Text::Create)}</button>
                </div>
            </form>
        </Dialog>
    }
}
