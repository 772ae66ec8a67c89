//! Something is ordered of the server: said when it is done or refused, and what is shown looks again.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};

use super::{
    failure::sentence,
    toast::{ToastList, toasts},
};
use crate::{
    api::{self, Answer},
    text::{Text, t},
};

/// Where orders are told, and what looks again.
#[derive(Clone, Copy)]
pub(crate) struct Orders {
    toasts: ToastList,
    again: RwSignal<u32>,
}

impl Orders {
    pub(crate) fn new(again: RwSignal<u32>) -> Self {
        Self {
            toasts: toasts(),
            again,
        }
    }

    /// For what stands in the rows of a list.
    pub(crate) fn provide(again: RwSignal<u32>) {
        provide_context(Self::new(again));
    }

    /// The list's, for what stands in its rows.
    pub(crate) fn of_list() -> Self {
        expect_context::<Self>()
    }

    /// Posts an order without particulars.
    pub(crate) fn post(self, path: &str, said: Text) {
        self.send(api::post(path, &json!({})), said, None);
    }

    /// Posts an order that another one takes back.
    pub(crate) fn post_with_undo(self, path: &str, said: Text, back: String) {
        self.send(
            api::post(path, &json!({})),
            said,
            Some((back, json!({ "reason": "undo" }))),
        );
    }

    /// Takes something out of use, or ends it.
    pub(crate) fn delete(self, path: &str, etag: Option<&str>, said: Text) {
        self.send(api::delete(path, etag), said, None);
    }

    fn send(self, answer: Answer, said: Text, undo: Option<(String, Value)>) {
        spawn_local(async move {
            match answer.await {
                Ok(_) => {
                    // The page may have been left meanwhile.
                    let _ = self.again.try_update(|count| *count += 1);
                    match undo {
                        Some((back, body)) => self.toasts.say_with_undo(t(said), move || {
                            self.send(api::post(&back, &body), Text::Undone, None);
                        }),
                        None => self.toasts.say(t(said)),
                    }
                }
                Err(failure) => self.toasts.say(sentence(&failure)),
            }
        });
    }
}
