//! Two nodes, of which one dies now and then; who asks tries the other one, as a client behind a balancer would.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use licet_client::PinnedKeys;
use licet_test_support::{Answer, Server};
use serde_json::Value;

const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";
const ATTEMPTS: usize = 200;

pub(crate) struct Nodes {
    database: String,
    nats: String,
    /// The first one dies; both are replaced as a whole, so that requests in flight meet the death.
    first: Mutex<Arc<Server>>,
    second: Arc<Server>,
    turn: AtomicUsize,
    acknowledged: AtomicU64,
    keys: PinnedKeys,
}

impl Nodes {
    pub(crate) fn start(database: &str, nats: &str) -> Self {
        let start = || Arc::new(Server::start_with(database, &[("NATS_URL", nats)]));
        let second = start();
        let keys = second.get("/.well-known/licet/keys").body;
        Self {
            first: Mutex::new(start()),
            keys: PinnedKeys::of(&serde_json::from_value(keys).unwrap()).unwrap(),
            second,
            database: database.to_owned(),
            nats: nats.to_owned(),
            turn: AtomicUsize::new(0),
            acknowledged: AtomicU64::new(0),
        }
    }

    pub(crate) fn kill_and_restart_the_first(&self) {
        let pid = self.node(0).pid().to_string();
        let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.unwrap().success());
        let again = Server::start_with(&self.database, &[("NATS_URL", &self.nats)]);
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(again);
    }

    fn node(&self, turn: usize) -> Arc<Server> {
        if turn.is_multiple_of(2) {
            Arc::clone(&self.first.lock().unwrap_or_else(PoisonError::into_inner))
        } else {
            Arc::clone(&self.second)
        }
    }

    /// Asks the nodes in turn until one answers; also says whether it was asked more than once.
    pub(crate) fn ask(&self, method: &str, path: &str, credential: (&str, &str), body: &Value) -> (Answer, bool) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        for attempt in 0..ATTEMPTS {
            let node = self.node(self.turn.fetch_add(1, Ordering::SeqCst));
            let answer = node.send_with(method, path, &[credential], body.as_bytes());
            if !matches!(answer.status, 0 | 503) {
                let position = answer.header("licet-position").parse().unwrap_or(0);
                self.acknowledged.fetch_max(position, Ordering::SeqCst);
                return (answer, attempt > 0);
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no node answered {method} {path}");
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (Answer, bool) {
        self.ask(method, path, ("x-api-key", API_KEY), body)
    }

    /// What the server's leases are signed with.
    pub(crate) fn keys(&self) -> &PinnedKeys {
        &self.keys
    }

    /// Edits a thing as it is now, on the node that lives.
    pub(crate) fn edit(&self, path: &str, change: &Value) -> Answer {
        let tag = self.second.get(path).header("etag").to_owned();
        let headers = [("x-api-key", API_KEY), ("if-match", tag.as_str())];
        let answer = self
            .second
            .send_with("PATCH", path, &headers, change.to_string().as_bytes());
        let position = answer.header("licet-position").parse().unwrap_or(0);
        self.acknowledged.fetch_max(position, Ordering::SeqCst);
        answer
    }

    /// Reads with what all projectors know of everything that was acknowledged.
    pub(crate) fn get(&self, path: &str) -> Value {
        let position = self.head().to_string();
        let headers = [("x-api-key", API_KEY), ("licet-min-position", position.as_str())];
        // Who takes over a dead node's projectors waits for its lease to end.
        for _ in 0..12 {
            let answer = self.second.send_with("GET", path, &headers, b"");
            if answer.code() != "READ_MODEL_BEHIND" {
                assert_eq!(answer.status, 200, "{path}: {}", answer.body);
                return answer.body;
            }
        }
        panic!("{path}: the read model stays behind")
    }

    /// The newest position that was acknowledged.
    pub(crate) fn head(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }
}
