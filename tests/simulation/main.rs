//! 200 machines live through a compressed month, a round for each day, on two nodes with Postgres and NATS, while one
//! node is killed again and again. At the end everything that the platform says agrees with the simulation's own books.
//! `./dev simulate`; `LICET_SEED` repeats a run.
#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod books;
mod nodes;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use books::{Books, Life};
use licet_test_support::{Nats, TestDatabase, licet};
use nodes::Nodes;
use serde_json::{Value, json};

const LICENSES: u32 = 10;
const MACHINES: u32 = 20;
const SEATS: usize = 15;
const DAYS: u32 = 30;
/// Which license has ended at the start, and is renewed on the third day.
const ENDED: u32 = 1;
/// Which license is revoked on the twentieth day.
const REVOKED: u32 = 2;
/// Which license comes to its end on the tenth day, and is renewed.
const EXPIRING: u32 = 3;
/// Which license has fewer seats than are in use from the twenty-fifth day on.
const SHRUNK: u32 = 4;
const FEW: usize = 5;

fn seed() -> u64 {
    let seed = std::env::var("LICET_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(7, |since| u64::from(since.subsec_nanos()))
    });
    eprintln!("LICET_SEED={seed}");
    seed
}

#[test]
fn a_month_of_two_hundred_machines_agrees_with_its_books() {
    let seed = seed();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::new());
    let nats = Nats::start();
    let nodes = Nodes::start(&database.url, &nats.url);
    let licenses = issue(&nodes);
    let over = AtomicBool::new(false);
    let books: Vec<Books> = thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut kills = 0;
            while !over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(700));
                nodes.kill_and_restart_the_first();
                kills += 1;
            }
            kills
        });
        let lives: Vec<_> = (0..LICENSES)
            .zip(&licenses)
            .map(|(number, (id, key))| {
                let nodes = &nodes;
                scope.spawn(move || month(Life::new(nodes, (number, id, key), seed)))
            })
            .collect();
        let books: Vec<_> = lives.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::SeqCst);
        eprintln!("one node was killed {} times", killer.join().unwrap());
        books.into_iter().map(Result::unwrap).collect()
    });
    let machines: usize = books.iter().map(|books| books.machines.len()).sum();
    assert!(machines > 150, "machines took part: {machines}");
    let all = json!({ "from": "2026-01-01T00:00:00Z" });
    assert_eq!(nodes.send("POST", "/api/admin/anomalies/rerun", &all).0.status, 200);
    for (number, ((id, key), books)) in licenses.iter().zip(&books).enumerate() {
        books::compare(&nodes, id, key, books, number == REVOKED as usize);
    }
    for command in [["audit", "verify"], ["projections", "verify"]] {
        let output = licet(&database.url).args(command).output().unwrap();
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    relayed(&runtime, &nodes, &nats.url);
}

/// Each license's life: a round for each day, in which every machine does something.
fn month(mut life: Life<'_>) -> Books {
    for day in 1..=DAYS {
        match (life.number, day) {
            (ENDED, 1) => life.is_refused("LICENSE_EXPIRED"),
            (ENDED, 2) => continue,
            (ENDED, 3) => life.operator("renew", &json!({ "reason": "paid" })),
            (EXPIRING, 10) => life.expires(),
            (SHRUNK, 25) => life.shrinks(FEW),
            (REVOKED, 20) => life.operator("revoke", &json!({ "reason": "charged back" })),
            _ => {}
        }
        if life.number == REVOKED && day >= 20 {
            life.is_refused("LICENSE_REVOKED");
            continue;
        }
        if life.number == ENDED && day == 1 {
            continue;
        }
        for machine in 0..MACHINES {
            life.day_of(life.number * MACHINES + machine);
        }
    }
    life.books
}

/// One policy and a license for each crew; answers ids and keys.
fn issue(nodes: &Nodes) -> Vec<(String, String)> {
    let create = |path: &str, body: &Value| {
        let (answer, _) = nodes.send("POST", path, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer
    };
    create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    let policy = json!({ "code": "crew", "product": "studio", "seats": SEATS, "limits": { "pages": 1_000_000 },
                         "duration_days": 365, "grace_days": 0 });
    create("/api/admin/policies", &policy);
    let customer = json!({ "name": "Universität Wien", "email": "licenses@univie.ac.at" });
    let customer = create("/api/admin/customers", &customer).text("id").to_owned();
    (0..LICENSES)
        .map(|number| {
            let mut order = json!({ "customer_id": customer, "policy": "crew" });
            if number == ENDED {
                order["valid_from"] = json!("2020-01-01T00:00:00Z");
                order["expires_at"] = json!("2021-01-01T00:00:00Z");
            }
            let issued = create("/api/admin/licenses", &order).body["items"][0].clone();
            (
                issued["id"].as_str().unwrap().to_owned(),
                issued["key"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

/// NATS has every event of the log, each once.
fn relayed(runtime: &tokio::runtime::Runtime, nodes: &Nodes, url: &str) {
    let head = nodes.head();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let stream = async_nats::jetstream::new(client).get_stream("licet").await.unwrap();
        let mut messages = 0;
        for _ in 0..200 {
            messages = stream.get_info().await.unwrap().state.messages;
            if messages >= head {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(messages >= head, "{messages} of {head} events were relayed");
    });
}
