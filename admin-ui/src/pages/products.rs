//! `/products`

use leptos::prelude::*;
use licet_contracts::admin::Product;

use crate::{
    parts::{
        action::ActionButton,
        create::{Asked, CreateDialog, one_of},
        edit::{Edited, Kind},
        listing::{Column, Filter, IN_USE, Listed, Listing},
        manage::{self, ManageButton, ManageDialog, Managing},
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let (open, refresh) = (RwSignal::new(false), RwSignal::new(0_u32));
    let chosen = manage::provide();
    let managing = Managing {
        permission: "products.write",
        fields: |now| {
            let name = now["name"].as_str().map(str::to_owned);
            let min_version = now["min_version"].as_str().map(str::to_owned);
            vec![
                Edited::new("name", Text::Name, Kind::Text, name),
                Edited::new("min_version", Text::MinVersion, Kind::Optional, min_version),
            ]
        },
        end: (Text::Retire, Text::RetireProductWhy, Text::RetiredNow),
        further: None,
    };
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
            Column::new(Text::Actions, |product| {
                let path = format!("/api/admin/products/{}", product.id);
                let in_use = product.status == "active";
                let name = product.code.clone();
                in_use
                    .then(|| view! { <ManageButton permission="products.write" path name /> })
                    .into_any()
            }),
            Column::new(Text::CreatedAt, |product: &Product| {
                view! { <Moment time=product.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![Filter::of("status", Text::Status, &IN_USE)],
        searched: true,
        sort: Some("created_at"),
        first_step: Text::ProductsFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Products).to_owned())>
            <ActionButton label=Text::NewProduct permission="products.write" class="primary" on_click=move |()| open.set(true) />
        </Title>
        <Listing listed refresh />
        <ManageDialog chosen managing refresh />
        <CreateDialog open title=Text::NewProduct path="/api/admin/products" fields=new refresh />
    }
}

/// What is asked of a new product.
fn new() -> Vec<Asked> {
    vec![
        Asked::text("code", Text::Code).required().hint(Text::CodeOfThingHint),
        Asked::text("name", Text::Name).required(),
        Asked::choice(
            "version_scheme",
            Text::VersionScheme,
            one_of(&["semver", "numeric", "calendar"]),
        ),
    ]
}
