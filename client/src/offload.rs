//! The asynchronous front: any blocking call as a future, without a runtime of its own.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

struct Shared<T> {
    value: Option<thread::Result<T>>,
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
    thread::spawn(move || {
        // Whoever awaits a call that panics panics too, and does not wait for ever.
        let value = panic::catch_unwind(AssertUnwindSafe(call));
        let waker = {
            let mut shared = own.lock().unwrap_or_else(PoisonError::into_inner);
            shared.value = Some(value);
            shared.waker.take()
        };
        if let Some(waker) = waker {
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
            Some(Ok(value)) => Poll::Ready(value),
            Some(Err(panic)) => {
                drop(shared);
                panic::resume_unwind(panic)
            }
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

    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn block_on<T>(mut future: Offloaded<T>) -> T {
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut future).poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn a_call_wakes_whoever_awaits_it() {
        assert_eq!(block_on(offload(|| 6 * 7)), 42);
    }

    #[test]
    fn a_call_that_panics_leaves_nobody_waiting() {
        let awaiting = thread::spawn(|| block_on(offload(|| -> u32 { panic!("in the call") })));
        assert!(awaiting.join().is_err());
    }
}
