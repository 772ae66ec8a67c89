//! What the simulation itself knows of each license, and the machines that make it happen.

use std::collections::{BTreeMap, BTreeSet};

use licet_test_support::machine_request;
use serde_json::{Value, json};

use crate::nodes::Nodes;

/// The own books of one license.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Seats in use: machine, activation and token.
    pub(crate) seats: BTreeMap<u32, (String, String)>,
    /// Machines that ever had a seat.
    pub(crate) machines: BTreeSet<u32>,
    pub(crate) peak: usize,
    pub(crate) activated: u64,
    pub(crate) deactivated: u64,
    pub(crate) refused: u64,
    pub(crate) pages: u64,
    /// Beats of each activation.
    pub(crate) beats: BTreeMap<String, u64>,
}

impl Books {
    fn seat(&mut self, machine: u32, activation: &str, token: &str) {
        self.seats.insert(machine, (activation.to_owned(), token.to_owned()));
        self.machines.insert(machine);
        self.activated += 1;
        self.peak = self.peak.max(self.seats.len());
    }
}

/// A license with its crew, and the dice.
pub(crate) struct Life<'a> {
    nodes: &'a Nodes,
    pub(crate) number: u32,
    id: &'a str,
    key: &'a str,
    dice: u64,
    pub(crate) books: Books,
}

impl<'a> Life<'a> {
    pub(crate) fn new(nodes: &'a Nodes, (number, id, key): (u32, &'a str, &'a str), seed: u64) -> Self {
        let dice = seed ^ u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let books = Books::default();
        Self {
            nodes,
            number,
            id,
            key,
            dice,
            books,
        }
    }

    /// A number from 0 to 99 (xorshift).
    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % 100
    }

    /// What a machine does on a day.
    pub(crate) fn day_of(&mut self, machine: u32) {
        let roll = self.roll();
        match self.books.seats.get(&machine).cloned() {
            Some((activation, token)) => match roll {
                0..70 => self.beat(&activation, &token),
                70..78 => self.deactivate(machine, &activation),
                78..86 => self.transfer(machine, &activation),
                86..92 => self.is_cloned(machine),
                _ => {} // offline: its lease bears it
            },
            None if roll < 60 => self.activate(machine),
            None => {}
        }
    }

    fn activate(&mut self, machine: u32) {
        let request = machine_request(self.key, machine);
        let (answer, _) = self.nodes.send("POST", "/api/license/activate", &request);
        if self.books.seats.len() == crate::SEATS {
            assert_eq!(answer.code(), "ACTIVATION_LIMIT_REACHED", "{}", answer.body);
            self.books.refused += 1;
        } else {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
            self.books
                .seat(machine, answer.text("activation_id"), answer.text("token"));
            let (verified, _) = self.nodes.send("POST", "/api/license/verify", &request);
            assert_eq!(verified.code(), "VALID", "on whichever node: {}", verified.body);
        }
    }

    fn beat(&mut self, activation: &str, token: &str) {
        let count = self.books.beats.entry(activation.to_owned()).or_default();
        *count += 1;
        let beat = json!({ "active_users": 1, "usage": { "pages": 3 }, "nonce": format!("beat-{count}") });
        self.books.pages += 3;
        let bearer = format!("Bearer {token}");
        let (answer, _) = self
            .nodes
            .ask("POST", "/api/license/heartbeat", ("authorization", &bearer), &beat);
        assert_eq!((answer.status, answer.code()), (200, "VALID"), "{}", answer.body);
    }

    fn deactivate(&mut self, machine: u32, activation: &str) {
        let leave = json!({ "license_key": self.key, "activation_id": activation });
        let (answer, again) = self.nodes.send("POST", "/api/license/deactivate", &leave);
        assert!(answer.status == 200 || again, "{}", answer.body);
        self.books.seats.remove(&machine);
        self.books.deactivated += 1;
    }

    /// To a machine of the crew that has no seat.
    fn transfer(&mut self, machine: u32, activation: &str) {
        let first = self.number * crate::MACHINES;
        let idle = (first..first + crate::MACHINES).find(|other| !self.books.seats.contains_key(other));
        let Some(target) = idle else { return };
        let mut order = machine_request(self.key, target);
        order["from_activation_id"] = json!(activation);
        let (answer, _) = self.nodes.send("POST", "/api/license/transfer", &order);
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.books.seats.remove(&machine);
        self.books.deactivated += 1;
        self.books
            .seat(target, answer.text("activation_id"), answer.text("token"));
    }

    /// Its disk was copied to a machine that the license does not know.
    fn is_cloned(&self, machine: u32) {
        let request = machine_request(self.key, machine + 1_000_000);
        let (answer, _) = self.nodes.send("POST", "/api/license/verify", &request);
        assert_eq!(answer.code(), "NOT_ACTIVATED", "{}", answer.body);
    }

    pub(crate) fn is_refused(&self, code: &str) {
        let request = machine_request(self.key, self.number * crate::MACHINES + 500);
        let (answer, _) = self.nodes.send("POST", "/api/license/activate", &request);
        assert_eq!((answer.status, answer.code()), (422, code), "{}", answer.body);
    }

    pub(crate) fn operator(&self, verb: &str, body: &Value) {
        let path = format!("/api/admin/licenses/{}/{verb}", self.id);
        let (answer, again) = self.nodes.send("POST", &path, body);
        assert!(answer.status == 200 || again, "{verb}: {}", answer.body);
    }
}

/// Everything that the platform says of a license against the books.
pub(crate) fn compare(nodes: &Nodes, (id, key): (&str, &str), books: &Books, revoked: bool) {
    let path = |rest: &str| format!("/api/admin/licenses/{id}/{rest}");
    let info = nodes.get(&format!("/api/license/info/{key}"));
    assert_eq!(info["license"]["active"], json!(books.seats.len()), "seats of {id}");
    let beats: u64 = books.beats.values().sum();
    let stats = nodes.get(&path("usage-stats"));
    assert_eq!(stats["beats"], json!(beats), "beats of {id}: {stats}");
    let meters = nodes.get(&path("meters"));
    let pages: u64 = meters["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["amount"].as_u64())
        .sum();
    assert_eq!(pages, books.pages, "usage of {id}");
    let statement = nodes.get(&path("true-up?from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z"))["statement"].clone();
    assert_eq!(statement["peak"], json!(books.peak), "peak of {id}: {statement}");
    assert_eq!(statement["over_use"], json!([]), "{statement}");
    for list in [
        path("events?limit=200"),
        format!("/api/admin/audit?limit=200&aggregate_id={id}"),
    ] {
        let events = counted(nodes, &list);
        let found = |name: &str| events.get(name).copied().unwrap_or_default();
        assert_eq!(found("license.activated"), books.activated, "{list}");
        assert_eq!(found("license.deactivated"), books.deactivated, "{list}");
        assert_eq!(found("license.revoked"), u64::from(revoked), "{list}");
    }
    let refused = nodes.get(&path("decisions?code=ACTIVATION_LIMIT_REACHED"));
    assert!(
        books.refused == 0 || refused["items"] != json!([]),
        "refusals of {id} are recorded"
    );
    let anomalies = nodes.get("/api/admin/anomalies?limit=200");
    let rates = anomalies["items"].as_array().unwrap().iter();
    let found = rates
        .filter(|one| one["rule"] == "impossible_rate" && one["license_id"] == id)
        .count();
    // The rule looks at what arrived: a beat whose answer was lost arrived twice, which only the list of beats knows.
    let arrived = most_beats_of_one_machine(nodes, &path("heartbeats?from=2026-01-01T00:00:00Z&limit=200"));
    assert!(
        books.beats.values().all(|count| *count <= arrived),
        "no beat is missing of {id}"
    );
    assert_eq!(
        found > 0,
        arrived > 10,
        "a month of beats within minutes is noticed for {id}: {arrived}"
    );
}

/// The most beats of one machine in a list. The whole month takes less than one interval, so all of them count.
fn most_beats_of_one_machine(nodes: &Nodes, list: &str) -> u64 {
    let (mut beats, mut cursor) = (BTreeMap::<String, u64>::new(), String::new());
    loop {
        let page = nodes.get(&format!("{list}{cursor}"));
        for beat in page["items"].as_array().unwrap() {
            let machine = beat["activation_id"].as_str().unwrap_or_default();
            *beats.entry(machine.to_owned()).or_default() += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else {
            return beats.into_values().max().unwrap_or_default();
        };
        cursor = format!("&cursor={next}");
    }
}

/// How many events of each type a list has.
fn counted(nodes: &Nodes, list: &str) -> BTreeMap<String, u64> {
    let (mut events, mut cursor) = (BTreeMap::new(), String::new());
    let name = |item: &Value| {
        item["type"]
            .as_str()
            .or(item["action"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    loop {
        let page = nodes.get(&format!("{list}{cursor}"));
        for item in page["items"].as_array().unwrap() {
            *events.entry(name(item)).or_default() += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else {
            return events;
        };
        cursor = format!("&cursor={next}");
    }
}
