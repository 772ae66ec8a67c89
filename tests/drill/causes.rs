//! What happens in the outage drill, one after the other.

mod backups;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{API_KEY, Server, Target, Targets, age, eventually, machine_request};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    outage::{Outage, PATIENCE},
    scene::Disk,
};

const REFUSES: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Lets something happen, and sees its alerts begin and end.
type Cause = fn(&mut Outage);

/// Every cause, by name, in an order in which none leaves another one something to trip over.
pub(crate) const CAUSES: [(&str, Cause); 20] = [
    ("server", server_killed),
    ("exporter", exporter_and_target),
    ("database", database_killed),
    ("connections", connections_taken),
    ("counting", counting_locked),
    ("workers", workers_forgotten),
    ("lock", read_model_locked),
    ("projector", read_model_refuses),
    ("guessing", guessing),
    ("clock", clock_ahead),
    ("certificate", certificate_short),
    ("processors", processors_busy),
    ("memory", memory_full),
    ("queue", queue_full),
    ("webhook", deliveries_given_up),
    ("nats", nats_gone),
    ("backups", backups::backups_stop),
    ("copy", backups::copy_stops),
    ("restore", restored),
    ("disk", disk_full),
];

fn server_killed(outage: &mut Outage) {
    outage.scene.server.take().unwrap().kill();
    outage.expect(
        "the server is killed",
        &["LicenseServerDown", "ServiceUnreachable"],
        (),
        |outage, ()| outage.scene.start_server(),
    );
}

fn exporter_and_target(outage: &mut Outage) {
    outage.scene.monitoring.end("prometheus-postgres-exporter");
    outage.scene.monitoring.watch(&Targets {
        nats: None,
        ..outage.scene.targets.clone()
    });
    outage.expect(
        "an exporter is killed, a target forgotten",
        &["TargetDown", "TargetMissing"],
        (),
        |outage, ()| {
            let targets = outage.scene.targets.clone();
            outage.scene.monitoring.start_postgres_exporter(&targets);
            outage.scene.monitoring.watch(&targets);
        },
    );
}

fn database_killed(outage: &mut Outage) {
    let (_, key) = outage.scene.server().issue("burn", &json!({ "seats": 1_000_000 }));
    outage.scene.kill_database();
    let (url, over, begun) = (
        outage.scene.server().url.clone(),
        AtomicBool::new(false),
        Instant::now(),
    );
    thread::scope(|scope| {
        for thread in 0..24 {
            let (url, key, over) = (&url, &key, &over);
            scope.spawn(move || {
                for number in (0..10_000).take_while(|_| goes_on(over, begun)) {
                    let machine = machine_request(key, thread * 10_000 + number).to_string();
                    let _ = post(url, "/api/license/activate", &machine);
                }
            });
        }
        outage.expect(
            "PostgreSQL is killed, and machines go on activating",
            &["DatabaseDown", "ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly"],
            &over,
            |outage, over| {
                outage.scene.cluster.revive().unwrap();
                over.store(true, Ordering::Relaxed);
            },
        );
    });
}

/// Whether load goes on: until its alerts were seen, and no longer than they are waited for.
fn goes_on(over: &AtomicBool, begun: Instant) -> bool {
    !over.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE
}

fn post(url: &str, path: &str, body: &str) -> Option<u16> {
    let asked = ureq::post(format!("{url}{path}"))
        .header("x-api-key", API_KEY)
        .header("x-licet-request", "1")
        .content_type("application/json")
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(40)))
        .build()
        .send(body);
    asked.ok().map(|answer| answer.status().as_u16())
}

fn connections_taken(outage: &mut Outage) {
    let url = outage.scene.url.clone();
    let taken: Vec<PgConnection> = outage.scene.runtime.block_on(async {
        let mut taken = Vec::new();
        while taken.len() < 110
            && let Ok(connection) = PgConnection::connect(&url).await
        {
            taken.push(connection);
        }
        taken
    });
    outage.expect(
        "other programs take PostgreSQL's connections",
        &["DatabaseConnectionsExhausted"],
        taken,
        |outage, taken| taken.into_iter().for_each(|one| outage.scene.let_go(one)),
    );
}

fn read_model_locked(outage: &mut Outage) {
    let held = outage
        .scene
        .hold("LOCK TABLE read_model.license_state IN ACCESS EXCLUSIVE MODE");
    outage.scene.server().issue("locked", &json!({ "seats": 1 }));
    let (url, over, begun) = (
        outage.scene.server().url.clone(),
        AtomicBool::new(false),
        Instant::now(),
    );
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while goes_on(&over, begun) {
                    let _ = ureq::get(format!("{url}/api/admin/licenses?sort=expires_at"))
                        .header("x-api-key", API_KEY)
                        .call();
                }
            });
        }
        outage.expect(
            "someone locks a read model, and lists are read",
            &["ConnectionPoolExhausted", "ProjectorLag"],
            (held, &over),
            |outage, (held, over)| {
                over.store(true, Ordering::Relaxed);
                outage.scene.let_go(held);
            },
        );
    });
}

fn read_model_refuses(outage: &mut Outage) {
    let refuse = "ALTER TABLE read_model.audit_log ADD CONSTRAINT refuses CHECK (false) NOT VALID";
    outage.scene.sql(refuse);
    outage.scene.server().issue("refused", &json!({ "seats": 1 }));
    outage.expect(
        "a read model's table takes nothing any more",
        &["ProjectorStopped"],
        (),
        |outage, ()| {
            outage
                .scene
                .sql("ALTER TABLE read_model.audit_log DROP CONSTRAINT refuses");
        },
    );
}

/// Many at once: whoever guesses one after the other is made to wait ever longer.
fn guessing(outage: &mut Outage) {
    let url = outage.scene.server().url.clone();
    let tries = |path: &'static str, body: fn(u32) -> String, count: u32| {
        for number in 0..count {
            let url = url.clone();
            thread::spawn(move || post(&url, path, &body(number)));
        }
    };
    let key = |number: u32| machine_request(&format!("LIC-AAAAA-AAAAA-AAAAA-AAAAA-{number:05}"), 1).to_string();
    tries("/api/license/verify", key, 400);
    outage.expect("keys are guessed", &["KeyGuessing"], (), |_, ()| {});
    let password = |_| json!({ "email": "ada@example.com", "password": "not the right one" }).to_string();
    tries("/api/auth/login", password, 100);
    outage.expect("passwords are guessed", &["PasswordGuessing"], (), |_, ()| {});
}

fn clock_ahead(outage: &mut Outage) {
    let settings = [
        ("LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
        ("FAKETIME", "+30s"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let second = Server::start_with(&outage.scene.url, &settings);
    let mut both = outage.scene.targets.clone();
    both.licet.push(second.url.clone());
    outage.scene.monitoring.watch(&both);
    outage.expect(
        "a second node's clock is 30 s ahead",
        &["ClocksApart"],
        second,
        |outage, second| {
            outage.scene.monitoring.watch(&outage.scene.targets);
            second.kill();
        },
    );
}

fn certificate_short(outage: &mut Outage) {
    outage.scene.nginx.renew(10);
    outage.expect(
        "nginx has a certificate of ten days",
        &["CertificateEnds"],
        (),
        |outage, ()| {
            outage.scene.nginx.renew(397);
        },
    );
}

fn processors_busy(outage: &mut Outage) {
    let (over, cores) = (AtomicBool::new(false), thread::available_parallelism().unwrap().get());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let begun = Instant::now();
                while !over.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(120) {
                    std::hint::spin_loop();
                }
            });
        }
        outage.expect("every processor is busy", &["CpuHigh"], &over, |_, over| {
            over.store(true, Ordering::Relaxed);
        });
    });
}

/// Takes memory until less than a fourteenth is left.
fn memory_full(outage: &mut Outage) {
    let figure = |name: &str| {
        let read = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = read.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut taken: Vec<Vec<u8>> = Vec::new();
    while figure("MemAvailable:") * 14 > figure("MemTotal:") {
        // Of the kernel only what is written to is had.
        taken.push(vec![1; 128 << 20]);
    }
    outage.expect("memory is taken", &["MemoryHigh"], taken, |_, taken| drop(taken));
}

/// More machines at once than the log's queue holds, again and again, while its head is locked.
fn queue_full(outage: &mut Outage) {
    let (_, key) = outage.scene.server().issue("crowd", &json!({ "seats": 1_000_000 }));
    let held = outage.scene.hold("SELECT FROM log_head FOR UPDATE");
    let (address, over) = (outage.scene.address.clone(), Arc::new(AtomicBool::new(false)));
    let crowd: Vec<_> = (0..12_000)
        .map(|number| {
            let (address, over) = (address.clone(), Arc::clone(&over));
            let body = machine_request(&key, number).to_string();
            outage.scene.runtime.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let _ = activate(&address, &body).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            })
        })
        .collect();
    outage.expect(
        "12,000 machines activate while the log's head is locked",
        &["AppendQueueFull"],
        (held, crowd),
        |outage, (held, crowd)| {
            over.store(true, Ordering::Relaxed);
            outage.scene.let_go(held);
            for one in crowd {
                let _ = outage.scene.runtime.block_on(one);
            }
        },
    );
}

/// Sends an activation over a connection of its own, and reads to the end.
async fn activate(address: &str, body: &str) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /api/license/activate HTTP/1.1\r\nHost: licet\r\nX-API-Key: {API_KEY}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.read_to_end(&mut Vec::new()).await
}

fn deliveries_given_up(outage: &mut Outage) {
    let target = Target::start(|_| REFUSES.to_owned());
    let order = json!({ "url": target.url, "event_types": ["license.*"] });
    let made = outage.scene.server().create("/api/admin/webhooks", &order);
    assert_eq!(made.status, 201, "{}", made.body);
    outage.scene.server().issue("told", &json!({ "seats": 1 }));
    target.wait_for(2);
    // Four days go by.
    outage.scene.stop_server();
    outage.scene.sql(
        "UPDATE webhook_deliveries SET created_at = created_at - interval '4 days';
         UPDATE webhook_pauses SET failing_since = failing_since - interval '4 days'",
    );
    outage.scene.start_server();
    outage.expect(
        "a webhook's target has failed for days",
        &["DeliveriesGivenUp"],
        (),
        |_, ()| {},
    );
}

/// NATS is away for ten minutes and more.
fn nats_gone(outage: &mut Outage) {
    outage.scene.nats.stop();
    outage.scene.server().issue("untold", &json!({ "seats": 1 }));
    outage.expect(
        "NATS is killed, and a license is sold",
        &["NatsDown", "ConsumerLag"],
        (),
        |outage, ()| outage.scene.nats.wipe(),
    );
}

/// A table that what waits is counted in is locked.
fn counting_locked(outage: &mut Outage) {
    let held = outage.scene.hold("LOCK TABLE session_use IN ACCESS EXCLUSIVE MODE");
    outage.expect(
        "someone locks a table that is counted",
        &["BacklogUncounted"],
        held,
        |outage, held| outage.scene.let_go(held),
    );
}

/// The node that works has no place among the targets.
fn workers_forgotten(outage: &mut Outage) {
    let mut without = outage.scene.targets.clone();
    without.licet.clear();
    outage.scene.monitoring.watch(&without);
    outage.expect(
        "nodes are forgotten",
        &["WorkersMissing", "TargetMissing"],
        (),
        |outage, ()| outage.scene.monitoring.watch(&outage.scene.targets),
    );
}

/// The database goes back to what it was, and goes on differently: NATS has heard of what is no more.
fn restored(outage: &mut Outage) {
    outage.scene.stop_server();
    let now = outage.scene.url.clone();
    let past = now.replace("/licet?", "/past?");
    outage.scene.url = now.replace("/licet?", "/postgres?");
    outage.scene.sql("CREATE DATABASE past TEMPLATE licet");
    for (url, code) in [(now, "before"), (past, "after")] {
        outage.scene.url = url;
        outage.scene.start_server();
        outage.scene.server().issue(code, &json!({ "seats": 1 }));
        if code == "before" {
            // Once what was sold is told.
            let told = || {
                outage
                    .scene
                    .monitoring
                    .query("licet_consumer_lag_events{consumer=\"relay\"} == 0")
            };
            thread::sleep(Duration::from_secs(3));
            assert!(eventually(|| !told().is_empty()));
            outage.scene.stop_server();
        }
    }
    outage.expect(
        "the database is restored to an earlier state",
        &["ConsumerStopped"],
        (),
        |outage, ()| {
            let mut begin = licet_test_support::licet(&outage.scene.url);
            let begun = begin.args(["events", "begin-epoch"]).status().unwrap();
            assert!(begun.success());
        },
    );
}

/// The archive's disk fills; months that are over cannot leave.
fn disk_full(outage: &mut Outage) {
    let (_, key) = outage.scene.server().issue("old", &json!({ "seats": 1 }));
    let token = outage.scene.server().activate(&key, 1).text("token").to_owned();
    assert_eq!(outage.scene.server().beat(&token, &json!({ "nonce": "n" })).status, 200);
    let disk = Disk::make(outage.scene.folder.path(), 256);
    let filling = |outage: &Outage| {
        let firing = outage.scene.monitoring.firing();
        firing.iter().any(|alert| alert == "DiskFilling")
    };
    disk.fill(|| filling(outage));
    // It ends where nothing is left that could fill.
    outage.expect("a disk fills", &["DiskFilling"], (), |_, ()| disk.fill(|| false));
    outage.scene.stop_server();
    let url = outage.scene.url.clone();
    outage.scene.runtime.block_on(age(&url, 130));
    outage.scene.with("ARCHIVE_DIR", &disk.folder.display().to_string());
    outage.scene.start_server();
    outage.expect(
        "a disk is full, and it is the archive's",
        &["DiskFull", "ArchiveBehind"],
        (),
        |_, ()| disk.empty(),
    );
    outage.scene.stop_server();
}
