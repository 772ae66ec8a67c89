//! `./dev drill failover`: a database of three hosts loses one, or more, in each way that is known, while machines go on
//! asking through nginx; then what was acknowledged is looked for in the log.

use std::{
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{HOSTS, Nginx, Quorum, QuorumPrograms, Server, Target, eventually};
use serde_json::json;

use crate::{
    checks,
    fleet::{Fleet, Vendor},
};

/// The longest that the first activation after an event is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// For how long all is well before something happens, and after.
const CALM: Duration = Duration::from_secs(5);
/// How long an event lasts that is no loss of the leader.
const LASTS: Duration = Duration::from_secs(25);

/// Something that happens to the database.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    what: &'static str,
    /// Lets it happen to what leads, and answers what mends it.
    happens: fn(&Quorum, usize),
    mends: fn(&Quorum, usize),
    goes: Goes,
}

/// How recording goes on.
#[derive(Clone, Copy, PartialEq)]
enum Goes {
    /// By another leader, with nothing mended.
    Elsewhere,
    /// As if nothing had happened.
    On,
    /// Not at all until it is mended.
    WhenMended,
}

pub(crate) const WAYS: [Way; 8] = [
    Way {
        name: "killed",
        what: "the leader's Patroni and Postgres are killed (-9), and started again later",
        happens: |quorum, leader| quorum.kill_database(leader),
        mends: |quorum, leader| quorum.start_database(leader),
        goes: Goes::Elsewhere,
    },
    Way {
        name: "frozen",
        what: "the leader's processes are stopped where they are, and go on later",
        happens: |quorum, leader| quorum.freeze(leader),
        mends: |quorum, leader| quorum.thaw(leader),
        goes: Goes::Elsewhere,
    },
    Way {
        name: "cut-off",
        what: "the leader's cable is pulled, and plugged in later",
        happens: |quorum, leader| quorum.cut_off(leader),
        mends: |quorum, leader| quorum.connect(leader),
        goes: Goes::Elsewhere,
    },
    Way {
        name: "switchover",
        what: "the leader is asked to hand over",
        happens: |quorum, _| quorum.switch_over(),
        mends: |_, _| {},
        goes: Goes::Elsewhere,
    },
    Way {
        name: "standby-lost",
        what: "one standby is killed (-9)",
        happens: |quorum, leader| quorum.kill_database((leader + 1) % HOSTS),
        mends: |quorum, leader| quorum.start_database((leader + 1) % HOSTS),
        goes: Goes::On,
    },
    Way {
        name: "standbys-lost",
        what: "both standbys are killed (-9)",
        happens: |quorum, leader| (1..HOSTS).for_each(|other| quorum.kill_database((leader + other) % HOSTS)),
        mends: |quorum, leader| (1..HOSTS).for_each(|other| quorum.start_database((leader + other) % HOSTS)),
        goes: Goes::WhenMended,
    },
    Way {
        name: "etcd-lost",
        what: "every etcd is killed (-9)",
        happens: |quorum, _| quorum.kill_etcd(),
        mends: |quorum, _| (0..HOSTS).for_each(|host| quorum.start_etcd(host)),
        goes: Goes::On,
    },
    Way {
        name: "nats-leader-killed",
        what: "the NATS server that leads the stream is killed (-9)",
        happens: |quorum, _| quorum.kill_nats(quorum.nats_leader().expect("the stream is led by one")),
        // All are asked to start; those that run keep their place.
        mends: |quorum, _| (0..HOSTS).for_each(|host| quorum.start_nats(host)),
        goes: Goes::On,
    },
];

/// What was seen of a way.
struct Seen {
    way: &'static Way,
    /// The longest between two answers to activations from then on.
    outage: Duration,
    /// The longest between two verdicts of a program, by the server or by its lease.
    silence: Duration,
    by_lease: usize,
    by_server: usize,
    errors: usize,
}

/// Everything that the drill stands on. It ends in this order.
struct Stage {
    _nginx: Nginx,
    nodes: [Server; 2],
    target: Target,
    quorum: Quorum,
    vendor: Vendor,
}

/// All ways, or those that are named.
pub(crate) fn run(names: &[String]) {
    let programs = QuorumPrograms::find().expect("./dev drill failover installs them");
    let stage = Stage::set(&programs);
    let mut seen = Vec::new();
    for way in &WAYS {
        if names.is_empty() || names.iter().any(|wanted| wanted == way.name) {
            seen.push(stage.try_out(way));
        }
    }
    report(&seen);
}

impl Stage {
    fn set(programs: &QuorumPrograms) -> Self {
        println!("starting three hosts with etcd, Patroni, PostgreSQL and NATS");
        let quorum = Quorum::start(programs);
        let settings = [
            ("NATS_URL", quorum.nats.as_str()),
            ("NATS_REPLICAS", "3"),
            ("WEBHOOK_ALLOW_PRIVATE", "true"),
        ];
        let nodes = [(); 2].map(|()| Server::start_with(&quorum.url, &settings));
        let nginx = Nginx::before_all(&[&nodes[0].url, &nodes[1].url], &[]);
        let target = Target::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned());
        let vendor = Vendor::open(&nodes[0], &nginx);
        let webhook = json!({ "url": target.url, "event_types": ["license.activated"] });
        nodes[0].create("/api/admin/webhooks", &webhook);
        Self {
            _nginx: nginx,
            nodes,
            target,
            quorum,
            vendor,
        }
    }

    /// Lets it happen under load, mends it, and looks whether everything that was acknowledged is there, once.
    fn try_out(&self, way: &'static Way) -> Seen {
        println!("{}: {}", way.name, way.what);
        self.quorum.wait_until_whole();
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::start(&self.vendor, folder.path());
        fleet.expect_activation(PATIENCE);
        thread::sleep(CALM);
        let leader = self.quorum.leader().expect("someone leads");
        let began = Instant::now();
        (way.happens)(&self.quorum, leader);
        match way.goes {
            Goes::WhenMended => {
                thread::sleep(LASTS);
                // What was asked for just before may still have been on its way to a standby.
                let recorded = fleet.activation_since(began + Duration::from_secs(1));
                let after = recorded.map(|answered| answered - began);
                assert_eq!(after, None, "something was acknowledged that only one host has");
                (way.mends)(&self.quorum, leader);
            }
            Goes::On | Goes::Elsewhere => {
                thread::sleep(LASTS.saturating_sub(began.elapsed()));
                fleet.expect_activation(PATIENCE);
                (way.mends)(&self.quorum, leader);
            }
        }
        fleet.expect_activation(PATIENCE);
        self.quorum.wait_until_whole();
        if way.goes == Goes::Elsewhere {
            assert_ne!(self.quorum.leader(), Some(leader), "another leads");
        }
        thread::sleep(CALM);
        let books = fleet.stop();
        assert_eq!(books.wronged, [] as [String; 0], "nobody is told what is not so");
        let ready = || self.nodes.iter().all(|node| node.get("/readyz").status == 200);
        assert!(
            eventually(ready),
            "{:?}",
            self.nodes
                .iter()
                .map(|node| node.get("/readyz").body)
                .collect::<Vec<_>>()
        );
        checks::compare(&self.quorum.url, &self.quorum.nats, &self.target, &books);
        let by_lease = books.by_lease();
        let seen = Seen {
            way,
            outage: books.outage(began),
            silence: books.silence(began),
            by_lease,
            by_server: books.verdicts.len() - by_lease,
            errors: books.errors.iter().filter(|(at, _)| *at > began).count(),
        };
        println!(
            "  no activation for {:.1} s; {} activations and {} beats acknowledged, none lost, none doubled",
            seen.outage.as_secs_f64(),
            books.activations.len(),
            books.beats.len()
        );
        seen
    }
}

fn report(seen: &[Seen]) {
    println!(
        "\n| what happens | no activation for | no program waits longer than | by the server | by its lease | errors before the retry |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for seen in seen {
        println!(
            "| {} | {:.1} s | {:.1} s | {} | {} | {} |",
            seen.way.what,
            seen.outage.as_secs_f64(),
            seen.silence.as_secs_f64(),
            seen.by_server,
            seen.by_lease,
            seen.errors
        );
    }
}
