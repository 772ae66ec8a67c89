//! Short notes about what was done, with a way back where there is one.

use std::time::Duration;

use leptos::prelude::*;

use crate::text::{Text, t};

/// How long a note stays.
const STAYS: Duration = Duration::from_secs(8);

#[derive(Clone)]
struct Toast {
    id: u32,
    text: String,
    undo: Option<Callback<()>>,
}

#[derive(Clone, Copy)]
pub(crate) struct ToastList(RwSignal<Vec<Toast>>, StoredValue<u32>);

pub(crate) fn provide() {
    provide_context(ToastList(RwSignal::new(Vec::new()), StoredValue::new(0)));
}

/// The page's; to be taken before anything is waited for.
pub(crate) fn toasts() -> ToastList {
    expect_context::<ToastList>()
}

impl ToastList {
    pub(crate) fn say(self, text: impl Into<String>) {
        self.add(text.into(), None);
    }

    pub(crate) fn say_with_undo(self, text: impl Into<String>, undo: impl Fn() + Send + Sync + 'static) {
        self.add(text.into(), Some(Callback::new(move |()| undo())));
    }

    fn add(self, text: String, undo: Option<Callback<()>>) {
        let id = self.1.get_value() + 1;
        self.1.set_value(id);
        self.0.update(|toasts| toasts.push(Toast { id, text, undo }));
        set_timeout(move || self.drop_toast(id), STAYS);
    }

    fn drop_toast(self, id: u32) {
        self.0.update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let list = toasts();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || list.0.get() key=|toast| toast.id let:toast>
                <div class="toast">
                    <span>{toast.text}</span>
                    {toast.undo.map(|undo| view! {
                        <button class="link" on:click=move |_| { undo.run(()); list.drop_toast(toast.id); }>{move || t(Text::Undo)}</button>
                    })}
                    <button class="link" aria-label=move || t(Text::Close) on:click=move |_| list.drop_toast(toast.id)>"×"</button>
                </div>
            </For>
        </div>
    }
}
