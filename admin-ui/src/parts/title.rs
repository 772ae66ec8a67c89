//! A page's heading: said to screen readers when the page changes, and in the window's title.

use leptos::{html, prelude::*};

/// Whether someone types into the page: one that is only looked at again must not take that away.
fn is_typing() -> bool {
    let active = document().active_element();
    active.is_some_and(|active| active.matches("main input, main select").unwrap_or(false))
}

/// The heading, which gets the focus when its page is shown.
#[component]
pub(crate) fn Title(#[prop(into)] text: Signal<String>, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move |_| document().set_title(&format!("{} · Licet", text.get())));
    Effect::new(move |seen: Option<()>| {
        if seen.is_none()
            && !is_typing()
            && let Some(heading) = heading.get()
        {
            let _ = heading.focus();
        }
    });
    view! {
        <div class="title">
            <h1 node_ref=heading tabindex="-1">{text}</h1>
            <div class="actions">{children.map(|children| children())}</div>
        </div>
    }
}
