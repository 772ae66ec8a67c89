//! `/customers`

use leptos::prelude::*;
use licet_contracts::admin::Customer;

use crate::{
    parts::{
        action::ActionLink,
        listing::{Column, Filter, IN_USE, Listed, Listing},
        show::{Moment, State},
        title::Title,
    },
    text::{Text, t},
    words,
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    let listed = Listed::<Customer> {
        path: "/api/admin/customers",
        caption: Text::Customers,
        columns: vec![
            Column::new(Text::Name, |customer: &Customer| {
                let name = customer
                    .name
                    .as_deref()
                    .map_or_else(|| t(Text::Forgotten).to_owned(), words::plain);
                view! { <a href=format!("/customers/{}", customer.id)>{name}</a> }.into_any()
            })
            .sorted("name"),
            Column::new(Text::Company, |customer| {
                customer.company.as_deref().map(words::plain).into_any()
            }),
            Column::new(Text::Email, |customer| customer.email.clone().into_any()),
            Column::new(Text::Licenses, |customer: &Customer| {
                customer.licenses.unwrap_or_default().into_any()
            })
            .sorted("licenses"),
            Column::new(Text::Status, |customer| {
                view! { <State code=customer.status.clone() /> }.into_any()
            }),
            Column::new(Text::CreatedAt, |customer: &Customer| {
                view! { <Moment time=customer.created_at.clone() /> }.into_any()
            })
            .sorted("created_at"),
        ],
        filters: vec![Filter::of("status", Text::Status, &IN_USE)],
        searched: true,
        sort: Some("created_at"),
        first_step: Text::CustomersFirst,
    };
    view! {
        <Title text=Signal::derive(|| t(Text::Customers).to_owned())>
            <ActionLink label=Text::NewCustomer permission="customers.write" href="/customers/new" />
        </Title>
        <Listing listed />
    }
}
