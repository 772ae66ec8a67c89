//! `./dev drill failover`: a database of three hosts loses one, or more, in each way that is known, while machines go on
//! asking through nginx; then what was acknowledged is looked for in the log, and each alert is seen to fire and to end.

use std::{
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{
    HOSTS, Monitoring, Nginx, Pace, Quorum, QuorumPrograms, Receivers, Server, Target, Targets, eventually,
    monitoring_programs,
};
use serde_json::json;

use crate::{
    checks,
    fleet::{Fleet, Vendor},
};

/// The longest that the first activation after an event is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// For how long all is well before something happens, and after.
const CALM: Duration = Duration::from_secs(5);
/// How long an event lasts: longer than what is told after half an hour, whose minutes are seconds here.
const LASTS: Duration = Duration::from_secs(35);

/// Something that happens to the database.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    what: &'static str,
    /// Lets it happen to what leads.
    happens: fn(&mut Stage, usize),
    mends: fn(&mut Stage, usize),
    goes: Goes,
    /// What is told to people.
    alerts: &'static [&'static str],
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

/// What a lost leader is told by.
const LEADER_LOST: &[&str] = &["DatabaseLeaderless", "DatabaseFailedOver", "DatabaseStandbyLost"];

pub(crate) const WAYS: [Way; 10] = [
    Way {
        name: "killed",
        what: "the leader's Patroni and Postgres are killed (-9), and started again later",
        happens: |stage, leader| stage.quorum.kill_database(leader),
        mends: |stage, leader| stage.quorum.start_database(leader),
        goes: Goes::Elsewhere,
        alerts: LEADER_LOST,
    },
    Way {
        name: "frozen",
        what: "the leader's processes are stopped where they are, and go on later",
        happens: |stage, leader| stage.quorum.freeze(leader),
        mends: |stage, leader| stage.quorum.thaw(leader),
        goes: Goes::Elsewhere,
        alerts: LEADER_LOST,
    },
    Way {
        name: "cut-off",
        what: "the leader's cable is pulled, and plugged in later",
        happens: |stage, leader| stage.quorum.cut_off(leader),
        mends: |stage, leader| stage.quorum.connect(leader),
        goes: Goes::Elsewhere,
        alerts: LEADER_LOST,
    },
    Way {
        name: "node-and-leader-killed",
        what: "a node of `licet` and the database's leader are killed (-9) at once, and started again later",
        happens: |stage, leader| {
            stage.kill_node();
            stage.quorum.kill_database(leader);
        },
        mends: |stage, leader| {
            stage.quorum.start_database(leader);
            stage.start_node();
        },
        goes: Goes::Elsewhere,
        alerts: LEADER_LOST,
    },
    Way {
        name: "switchover",
        what: "the leader is asked to hand over",
        happens: |stage, _| stage.quorum.switch_over(),
        mends: |_, _| {},
        goes: Goes::Elsewhere,
        alerts: &["DatabaseFailedOver"],
    },
    Way {
        name: "standby-lost",
        what: "one standby is killed (-9)",
        happens: |stage, leader| stage.quorum.kill_database((leader + 1) % HOSTS),
        mends: |stage, leader| stage.quorum.start_database((leader + 1) % HOSTS),
        goes: Goes::On,
        alerts: &["DatabaseStandbyLost"],
    },
    Way {
        name: "standbys-lost",
        what: "both standbys are killed (-9)",
        happens: |stage, leader| others(leader).for_each(|other| stage.quorum.kill_database(other)),
        mends: |stage, leader| others(leader).for_each(|other| stage.quorum.start_database(other)),
        goes: Goes::WhenMended,
        alerts: &["DatabaseStandbysLost"],
    },
    Way {
        name: "etcd-lost",
        what: "every etcd is killed (-9)",
        happens: |stage, _| stage.quorum.kill_etcd(),
        mends: |stage, _| (0..HOSTS).for_each(|host| stage.quorum.start_etcd(host)),
        goes: Goes::On,
        alerts: &["EtcdMemberLost", "EtcdQuorumLost"],
    },
    Way {
        name: "nats-leader-killed",
        what: "the NATS server that leads the stream is killed (-9)",
        happens: |stage, _| {
            let leader = stage.quorum.nats_leader().expect("the stream is led by one");
            stage.quorum.kill_nats(leader);
        },
        // All are asked to start; those that run keep their place.
        mends: |stage, _| (0..HOSTS).for_each(|host| stage.quorum.start_nats(host)),
        goes: Goes::On,
        alerts: &[],
    },
    Way {
        name: "paused",
        what: "Patroni is told to let nobody take over, and to go on later",
        happens: |stage, leader| stage.quorum.pause(leader, true),
        mends: |stage, leader| stage.quorum.pause(leader, false),
        goes: Goes::On,
        alerts: &["DatabaseFailoverPaused"],
    },
];

/// The hosts but for this one.
fn others(host: usize) -> impl Iterator<Item = usize> {
    (1..HOSTS).map(move |other| (host + other) % HOSTS)
}

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
pub(crate) struct Stage {
    monitoring: Monitoring,
    _nginx: Nginx,
    nodes: Vec<Server>,
    /// Where nginx looks for the nodes.
    addresses: [String; 2],
    settings: Vec<(&'static str, String)>,
    target: Target,
    quorum: Quorum,
    vendor: Vendor,
}

/// All ways, or those that are named.
pub(crate) fn run(names: &[String]) {
    let programs = QuorumPrograms::find().expect("./dev drill failover installs them");
    let mut stage = Stage::set(&programs);
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
            ("NATS_URL", quorum.nats.clone()),
            ("NATS_REPLICAS", "3".to_owned()),
            ("WEBHOOK_ALLOW_PRIVATE", "true".to_owned()),
        ];
        let nodes = [(); 2].map(|()| start_node(&quorum, "127.0.0.1:0", &settings));
        let nginx = Nginx::before_all(&[&nodes[0].url, &nodes[1].url], &[]);
        let target = Target::accepting();
        let vendor = Vendor::open(&nodes[0], &nginx);
        let webhook = json!({ "url": target.url, "event_types": ["license.activated"] });
        nodes[0].create("/api/admin/webhooks", &webhook);
        let programs = monitoring_programs().expect("./dev drill failover installs Prometheus");
        let targets = Targets {
            licet: nodes.iter().map(|node| node.url.clone()).collect(),
            quorum: quorum.targets(),
            ..Targets::default()
        };
        let receivers = Receivers {
            webhook: Target::accepting().url,
            mail: None,
        };
        Self {
            monitoring: Monitoring::start(&programs, &targets, &receivers, Pace::Hurried),
            _nginx: nginx,
            addresses: [0, 1].map(|node: usize| nodes[node].url.trim_start_matches("http://").to_owned()),
            nodes: nodes.into(),
            settings: settings.into(),
            target,
            quorum,
            vendor,
        }
    }

    fn kill_node(&mut self) {
        self.nodes.remove(0).kill();
    }

    /// Starts what was killed, where it was.
    fn start_node(&mut self) {
        let node = start_node(&self.quorum, &self.addresses[0], &self.settings);
        self.nodes.insert(0, node);
    }

    /// Lets it happen under load, mends it, and looks whether everything that was acknowledged is there, once.
    fn try_out(&mut self, way: &'static Way) -> Seen {
        println!("{}: {}", way.name, way.what);
        self.quorum.wait_until_whole();
        self.expect_quiet();
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::start(&self.vendor, folder.path());
        fleet.expect_activation(PATIENCE);
        thread::sleep(CALM);
        let leader = self.quorum.leader().expect("someone leads");
        let began = Instant::now();
        (way.happens)(self, leader);
        match way.goes {
            Goes::WhenMended => {
                thread::sleep(LASTS);
                // What was asked for just before may still have been on its way to a standby.
                let recorded = fleet.activation_since(began + Duration::from_secs(1));
                let after = recorded.map(|answered| answered - began);
                assert_eq!(after, None, "something was acknowledged that only one host has");
                (way.mends)(self, leader);
            }
            Goes::On | Goes::Elsewhere => {
                thread::sleep(LASTS.saturating_sub(began.elapsed()));
                fleet.expect_activation(PATIENCE);
                (way.mends)(self, leader);
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
        self.expect_told(way.alerts, began);
        self.expect_quiet();
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
        println!("  alerts: {}", way.alerts.join(", "));
        println!(
            "  no activation for {:.1} s; {} activations and {} beats acknowledged, none lost, none doubled",
            seen.outage.as_secs_f64(),
            books.activations.len(),
            books.beats.len()
        );
        seen
    }

    /// Each of these alerts has fired since.
    fn expect_told(&self, alerts: &[&str], since: Instant) {
        for alert in alerts {
            let fired = || {
                let span = since.elapsed().as_secs();
                let query = format!("count_over_time(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}[{span}s])");
                !self.monitoring.query(&query).is_empty()
            };
            assert!(
                eventually(fired),
                "{alert} does not fire: {:?}",
                self.monitoring.firing()
            );
        }
    }

    /// No alert of the database's hosts is left.
    fn expect_quiet(&self) {
        let of_hosts = |name: &String| WAYS.iter().any(|way| way.alerts.contains(&&**name));
        let quiet = || !self.monitoring.firing().iter().any(of_hosts);
        // Twice: a host may have to be copied anew.
        assert!(eventually(quiet) || eventually(quiet), "{:?}", self.monitoring.firing());
    }
}

fn start_node(quorum: &Quorum, address: &str, settings: &[(&str, String)]) -> Server {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Server::start_at_with(&quorum.url, address, &settings)
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
