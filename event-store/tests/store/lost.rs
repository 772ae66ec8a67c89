//! A commit whose answer never arrives.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use licet_event_store::{EventLog, LogOptions, LogTable};
use licet_test_support::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{created, submission};

/// Stands between a node and its database; once armed, it swallows the answer to the next commit and hangs up.
async fn proxy(url: &str, armed: Arc<AtomicBool>) -> String {
    let (login, rest) = url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxied = format!("{login}@{}/{name}", listener.local_addr().unwrap());
    let address = address.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&armed)));
        }
    });
    proxied
}

async fn pass(mut client: TcpStream, mut server: TcpStream, armed: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut loses = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let commits = asked[..length].windows(6).any(|six| six == b"COMMIT");
                loses |= commits && armed.swap(false, Ordering::SeqCst);
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

#[tokio::test]
async fn what_was_committed_and_not_confirmed_goes_in_once() {
    let database = TestDatabase::new().await;
    let armed = Arc::new(AtomicBool::new(false));
    let url = proxy(&database.url, Arc::clone(&armed)).await;
    let (log, _tasks) = EventLog::open(&url, &LogOptions::default()).await.unwrap();
    // News from elsewhere may be ahead of the log; what was lost is found all the same.
    log.heard_of(1_000_000);
    for (number, table) in (1..).zip(LogTable::ALL) {
        let mut order = submission(number, 0, vec![created(number)]);
        order.streams[0].table = table;
        armed.store(true, Ordering::SeqCst);
        let appended = log.append(order).await.unwrap();
        assert!(!armed.load(Ordering::SeqCst), "an answer was lost");
        assert_eq!(appended.position, i64::try_from(number).unwrap());
    }
    let written: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM heartbeat_events) + (SELECT count(*) FROM decision_events)",
    )
    .fetch_one(log.pool())
    .await
    .unwrap();
    assert_eq!(written, 3);
}
