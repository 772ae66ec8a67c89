//! What the server asks for before it goes on: a sign-in, or the password again. Whatever waits for it then goes on by
//! itself.

use std::cell::RefCell;

use futures::channel::oneshot;
use leptos::prelude::*;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The session has ended.
    SignIn,
    /// The password counts no more.
    Password,
}

thread_local! {
    static NEED: ArcRwSignal<Option<Need>> = ArcRwSignal::new(None);
    static WAITING: RefCell<Vec<oneshot::Sender<bool>>> = const { RefCell::new(Vec::new()) };
}

/// What is asked for now.
pub(crate) fn need() -> Option<Need> {
    NEED.with(Get::get)
}

/// Asks for it, and waits until it was given; `false` where the person does not want to.
pub(crate) async fn ask(need: Need) -> bool {
    let (sender, given) = oneshot::channel();
    WAITING.with_borrow_mut(|waiting| waiting.push(sender));
    NEED.with(|signal| {
        // Signing in gives the password too.
        if signal.get_untracked() != Some(Need::SignIn) {
            signal.set(Some(need));
        }
    });
    given.await.unwrap_or(false)
}

/// It was given, or will not be.
pub(crate) fn answer(given: bool) {
    NEED.with(|signal| signal.set(None));
    let waiting = WAITING.with_borrow_mut(std::mem::take);
    for one in waiting {
        // Whoever asked may have left the page.
        let _ = one.send(given);
    }
}
