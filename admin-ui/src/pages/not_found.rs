//! An address that is none.

use leptos::prelude::*;

use crate::{
    parts::title::Title,
    text::{Text, t},
};

#[component]
pub(crate) fn Page() -> impl IntoView {
    view! {
        <Title text=Signal::derive(|| t(Text::NotFound).to_owned()) />
        <p>{move || t(Text::NotFoundWhy)} " " <a href="/">{move || t(Text::Dashboard)}</a></p>
    }
}
