//! A commit whose answer never arrives.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use licet_event_store::{EventLog, LogOptions, LogTable};
use licet_test_support::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{created, submission};

/// Stands between a node and its database; once armed, it swallows the answer to the next message with this text and hangs
/// up.
struct Proxy {
    text: &'static [u8],
    armed: AtomicBool,
    /// How often the log was locked for a transaction.
    locks: AtomicUsize,
}

impl Proxy {
    fn new(text: &'static str) -> Arc<Self> {
        Arc::new(Self {
            text: text.as_bytes(),
            armed: AtomicBool::new(false),
            locks: AtomicUsize::new(0),
        })
    }

    /// The database's address by way of it.
    async fn listen(self: &Arc<Self>, url: &str) -> String {
        let (login, rest) = url.split_once('@').unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxied = format!("{login}@{}/{name}", listener.local_addr().unwrap());
        let (address, proxy) = (address.to_owned(), Arc::clone(self));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(Arc::clone(&proxy).pass(client, server));
            }
        });
        proxied
    }

    async fn pass(self: Arc<Self>, mut client: TcpStream, mut server: TcpStream) {
        let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        let mut loses = false;
        loop {
            tokio::select! {
                read = client.read(&mut asked) => {
                    let Ok(length @ 1..) = read else { return };
                    let says = |text: &[u8]| asked[..length].windows(text.len()).any(|found| found == text);
                    self.locks.fetch_add(usize::from(says(b"FOR UPDATE")), Ordering::SeqCst);
                    loses |= says(self.text) && self.armed.swap(false, Ordering::SeqCst);
                    server.write_all(&asked[..length]).await.unwrap();
                }
                read = server.read(&mut answered) => {
                    let Ok(length @ 1..) = read else { return };
                    // The database answers when it is done: what it says of the commit is what is lost.
                    if loses || client.write_all(&answered[..length]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn written(log: &EventLog) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM heartbeat_events) + (SELECT count(*) FROM decision_events)",
    )
    .fetch_one(log.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_was_committed_and_not_confirmed_goes_in_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::new("COMMIT");
    let url = proxy.listen(&database.url).await;
    let (log, _tasks) = EventLog::open(&url, &LogOptions::default()).await.unwrap();
    // News from elsewhere may be ahead of the log; what was lost is found all the same.
    log.heard_of(1_000_000);
    for (number, table) in (1..).zip(LogTable::ALL) {
        let mut order = submission(number, 0, vec![created(number)]);
        order.streams[0].table = table;
        proxy.armed.store(true, Ordering::SeqCst);
        let appended = log.append(order).await.unwrap();
        assert!(!proxy.armed.load(Ordering::SeqCst), "an answer was lost");
        assert_eq!(appended.position, i64::try_from(number).unwrap());
    }
    assert_eq!(written(&log).await, 3);
}

#[tokio::test]
async fn beats_that_went_in_by_one_statement_and_were_not_confirmed_go_in_once() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::new("product.created");
    let url = proxy.listen(&database.url).await;
    let (log, _tasks) = EventLog::open(&url, &LogOptions::default()).await.unwrap();
    let beat = |number| {
        let mut order = submission(number, 0, vec![created(number)]);
        order.streams[0].table = LogTable::Heartbeats;
        log.append(order)
    };
    // A node that has the log to itself does without the lock, unless it took too long.
    let (mut last, mut locks) = (1, usize::MAX);
    beat(last).await.unwrap();
    while proxy.locks.load(Ordering::SeqCst) != locks {
        locks = proxy.locks.load(Ordering::SeqCst);
        last += 1;
        assert!(last < 100, "it always takes the lock");
        beat(last).await.unwrap();
    }
    proxy.armed.store(true, Ordering::SeqCst);
    let lost = beat(last + 1).await.unwrap().position;
    assert_eq!(u128::try_from(lost), Ok(last + 1));
    assert!(!proxy.armed.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(
        proxy.locks.load(Ordering::SeqCst),
        locks + 1,
        "only the second try took the lock"
    );
    assert_eq!(written(&log).await, lost);
    assert_eq!(beat(last + 2).await.unwrap().position, lost + 1);
}

#[tokio::test]
async fn beats_go_the_long_way_while_the_logs_time_is_ahead_of_the_clock() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::new("never said");
    let url = proxy.listen(&database.url).await;
    // A clock that ran ahead has left its mark, and was set right.
    database
        .execute("UPDATE log_head SET recorded_at = clock_timestamp() + interval '1 minute'")
        .await;
    let (log, _tasks) = EventLog::open(&url, &LogOptions::default()).await.unwrap();
    for number in 1..=5 {
        let mut order = submission(number, 0, vec![created(number)]);
        order.streams[0].table = LogTable::Heartbeats;
        assert_eq!(
            log.append(order).await.unwrap().position,
            i64::try_from(number).unwrap()
        );
    }
    assert_eq!(
        proxy.locks.load(Ordering::SeqCst),
        5,
        "no statement whose time the database does not share"
    );
    let times: Vec<time::OffsetDateTime> = sqlx::query_scalar("SELECT DISTINCT recorded_at FROM heartbeat_events")
        .fetch_all(log.pool())
        .await
        .unwrap();
    assert_eq!(
        times.len(),
        1,
        "time stands still until the clock has caught up, and never runs back"
    );
}
