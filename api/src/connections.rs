//! Connections: who says nothing does not hold one for ever, and does not keep others out.
//!
//! A connection that is between requests, or has not sent a whole head, is idle. Idle ones end after a while; where
//! there are as many connections as there may be, the one that has been idle longest makes room, so that a probe is
//! answered however many others are held open.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{ConnectInfo, Request},
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::Instant,
};
use tower_service::Service as _;

/// After so long without a request a connection ends; longer than proxies keep theirs (nginx: 60 s), so that none sends
/// a request on one that is just ending.
const IDLE: Duration = Duration::from_secs(75);
/// How often that is looked at.
const SWEEP: Duration = Duration::from_secs(5);
/// File descriptors for everything that is no connection: the database, the log's files, workers.
const RESERVED_DESCRIPTORS: u64 = 64;
const MIN_CONNECTIONS: usize = 16;
const MAX_CONNECTIONS: usize = 50_000;

/// How many connections there may be: what the system lets this process open, less what it needs itself.
fn most() -> usize {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    let most = usize::try_from(descriptors.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(MAX_CONNECTIONS);
    most.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

/// One connection.
struct Connection {
    /// Since when it is idle, in milliseconds after the start; 0 while a request runs.
    idle_since: AtomicU64,
    /// Ends it.
    end: Notify,
}

/// The connections that are open.
struct Open {
    begun: Instant,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Tells when one has gone.
    gone: Notify,
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        // Never 0, which stands for a running request.
        u64::try_from(self.begun.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// Ends what has been idle for so long.
    fn end_idle(&self, longer_than: Duration) {
        let longer_than = u64::try_from(longer_than.as_millis()).unwrap_or(u64::MAX);
        let before = self.now().saturating_sub(longer_than);
        for connection in self.lock().values() {
            let since = connection.idle_since.load(Ordering::Relaxed);
            if since != 0 && since < before {
                connection.end.notify_one();
            }
        }
    }

    /// Ends the connection that has been idle longest; `false` where every one has a request.
    fn make_room(&self) -> bool {
        let mut open = self.lock();
        let idle = open
            .iter()
            .map(|(id, one)| (one.idle_since.load(Ordering::Relaxed), *id));
        let Some((_, id)) = idle.filter(|(since, _)| *since != 0).min() else {
            return false;
        };
        if let Some(connection) = open.remove(&id) {
            connection.end.notify_one();
        }
        true
    }
}

/// Serves until the server ends, and lets requests that are running finish for so long.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut ending: watch::Receiver<bool>, grace: Duration) {
    let open = Arc::new(Open {
        begun: Instant::now(),
        connections: Mutex::default(),
        gone: Notify::new(),
    });
    let most = most();
    let mut sweep = tokio::time::interval(SWEEP);
    let mut id = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = sweep.tick() => {
                open.end_idle(IDLE);
                continue;
            }
            _ = ending.wait_for(|ending| *ending) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors all the same: room is made, and time given.
                tracing::warn!(%error, "a connection could not be taken");
                open.make_room();
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if open.lock().len() >= most && !open.make_room() {
            // Every connection has a request: one more would have to wait, and its sender tries again.
            continue;
        }
        id += 1;
        let connection = Arc::new(Connection {
            idle_since: AtomicU64::new(open.now()),
            end: Notify::new(),
        });
        open.lock().insert(id, Arc::clone(&connection));
        let (open, router, ending) = (Arc::clone(&open), router.clone(), ending.clone());
        tokio::spawn(async move {
            run(stream, peer, (&open, connection), router, ending).await;
            open.lock().remove(&id);
            open.gone.notify_one();
        });
    }
    drop(listener);
    let all_gone = async {
        while !open.lock().is_empty() {
            open.gone.notified().await;
        }
    };
    if tokio::time::timeout(grace, all_gone).await.is_err() {
        tracing::warn!("requests were still running at the end");
    }
}

async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    (open, connection): (&Arc<Open>, Arc<Connection>),
    router: Router,
    mut ending: watch::Receiver<bool>,
) {
    // Answers are small and must not wait for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection could not be set to send at once");
    }
    let service = service_fn(|request: hyper::Request<Incoming>| {
        connection.idle_since.store(0, Ordering::Relaxed);
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let running = Running(Arc::clone(open), Arc::clone(&connection));
        let mut router = router.clone();
        async move { router.call(request).await.map(|response| running.until_sent(response)) }
    });
    let mut served = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = served.as_mut() => return,
        () = connection.end.notified() => {
            if connection.idle_since.load(Ordering::Relaxed) != 0 {
                return;
            }
            // A request came between the look and the end: it is answered.
            served.as_mut().graceful_shutdown();
        }
        _ = ending.wait_for(|ending| *ending) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// A request that runs; its connection is idle again when this is dropped.
struct Running(Arc<Open>, Arc<Connection>);

impl Running {
    /// Keeps a connection from counting as idle while a body of unknown length is sent.
    fn until_sent(self, response: Response) -> Response {
        if response.body().size_hint().exact().is_some() {
            return response;
        }
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _sending = &self;
                frame
            }))
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.1.idle_since.store(self.0.now(), Ordering::Relaxed);
    }
}
