//! What did not work, in words that say what to do.

use leptos::prelude::*;

use crate::{
    api::Failure,
    text::{Text, t},
};

/// A failure in the server's words, or in ours where it did not answer.
pub(crate) fn sentence(failure: &Failure) -> String {
    match failure.status {
        0 => t(Text::Unreachable).to_owned(),
        _ if !failure.detail.is_empty() => failure.detail.clone(),
        status => format!("{} ({status})", t(Text::SomethingWrong)),
    }
}

/// A failure where a page or a form cannot go on.
#[component]
pub(crate) fn FailureNote(failure: Failure, #[prop(optional, into)] retry: Option<Callback<()>>) -> impl IntoView {
    let id = failure.request_id.clone();
    let refused = failure.status == 403;
    view! {
        <div class="failure" role="alert">
            <p>{move || sentence(&failure)}</p>
            {(!id.is_empty() && !refused).then(|| view! { <p class="quiet">{move || t(Text::RequestId)} " " <code>{id.clone()}</code></p> })}
            {retry.filter(|_| !refused).map(|retry| view! {
                <button on:click=move |_| retry.run(())>{move || t(Text::TryAgain)}</button>
            })}
        </div>
    }
}
