//! The asynchronous front: any blocking call as a future, without a runtime of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

struct Shared<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// A call that runs on a thread of its own; await it on any executor.
pub struct Offloaded<T>(Arc<Mutex<Shared<T>>>);

/// Runs a blocking call of this library on a thread of its own.
///
/// ```no_run
/// # async fn example(mut session: licet_client::Session) {
/// let (session, status) = licet_client::offload(move || {
///     let status = session.tick();
///     (session, status)
/// })
/// .await;
/// # drop((session, status));
/// # }
/// ```
pub fn offload<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Offloaded<T> {
    let shared = Arc::new(Mutex::new(Shared {
        value: None,
        waker: None,
    }));
    let own = Arc::clone(&shared);
    std::thread::spawn(move || {
        let value = call();
        let mut shared = own.lock().unwrap_or_else(PoisonError::into_inner);
        shared.value = Some(value);
        if let Some(waker) = shared.waker.take() {
            waker.wake();
        }
    });
    Offloaded(shared)
}

impl<T> Future for Offloaded<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn a_call_wakes_whoever_awaits_it() {
        let waker = Arc::new(Unpark(std::thread::current())).into();
        let mut context = Context::from_waker(&waker);
        let mut future = offload(|| 6 * 7);
        let answer = loop {
            match Pin::new(&mut future).poll(&mut context) {
                Poll::Ready(answer) => break answer,
                Poll::Pending => std::thread::park(),
            }
        };
        assert_eq!(answer, 42);
    }
}
