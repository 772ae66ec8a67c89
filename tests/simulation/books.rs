//! What the simulation itself knows of each license, and the machines that make it happen.

use std::collections::{BTreeMap, BTreeSet};

use licet_client::{Error, Fingerprint, OfflineLease};
use licet_domain::values::Timestamp;
use licet_test_support::{Answer, eventually, machine_request};
use serde_json::{Value, json};

use crate::nodes::Nodes;

/// What a machine with a seat has.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    activation: String,
    token: String,
    /// What it shows while it is offline.
    lease: String,
}

/// The own books of one license.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Seats in use, by machine.
    pub(crate) seats: BTreeMap<u32, Seat>,
    /// How many seats there may be.
    pub(crate) limit: usize,
    /// The most seats in use beyond that, since it was lowered.
    pub(crate) over: usize,
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
    fn seat(&mut self, machine: u32, answer: &Answer) {
        let seat = Seat {
            activation: answer.text("activation_id").to_owned(),
            token: answer.text("token").to_owned(),
            lease: answer.text("lease").to_owned(),
        };
        self.seats.insert(machine, seat);
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
        let books = Books {
            limit: crate::SEATS,
            ..Books::default()
        };
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
            Some(seat) => match roll {
                0..70 => self.beat(machine, &seat, "VALID"),
                70..78 => self.deactivate(machine, &seat.activation),
                78..86 => self.transfer(machine, &seat.activation),
                86..92 => self.is_cloned(machine, &seat),
                _ => self.is_offline(machine, &seat),
            },
            None if roll < 60 => self.activate(machine),
            None => {}
        }
    }

    fn activate(&mut self, machine: u32) {
        let request = machine_request(self.key, machine);
        let (answer, _) = self.nodes.send("POST", "/api/license/activate", &request);
        if self.books.seats.len() >= self.books.limit {
            assert_eq!(answer.code(), "ACTIVATION_LIMIT_REACHED", "{}", answer.body);
            self.books.refused += 1;
        } else {
            assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
            self.books.seat(machine, &answer);
            let (verified, _) = self.nodes.send("POST", "/api/license/verify", &request);
            assert_eq!(verified.code(), "VALID", "on whichever node: {}", verified.body);
        }
    }

    fn beat(&mut self, machine: u32, seat: &Seat, code: &str) {
        let count = self.books.beats.entry(seat.activation.clone()).or_default();
        *count += 1;
        let beat = json!({ "active_users": 1, "usage": { "pages": 3 }, "nonce": format!("beat-{count}") });
        self.books.pages += 3;
        let bearer = format!("Bearer {}", seat.token);
        let (answer, _) = self
            .nodes
            .ask("POST", "/api/license/heartbeat", ("authorization", &bearer), &beat);
        assert_eq!((answer.status, answer.code()), (200, code), "{}", answer.body);
        if let (Some(lease), Some(seat)) = (answer.body["lease"].as_str(), self.books.seats.get_mut(&machine)) {
            lease.clone_into(&mut seat.lease);
        }
    }

    /// Its lease bears it for a week, without any server, and no longer.
    fn is_offline(&self, machine: u32, seat: &Seat) {
        let lease = OfflineLease::read(&seat.lease, self.nodes.keys()).unwrap();
        let at = |days: u32| lease.check(&fingerprint(machine), None, &[], lease.issued_at().plus_days(days));
        assert_eq!(at(6).unwrap().activation_id, seat.activation);
        assert!(matches!(at(8), Err(Error::LeaseEnded(_))), "{:?}", at(8));
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
        self.books.seat(target, &answer);
    }

    /// Its disk was copied, lease and all, to a machine that the license does not know.
    fn is_cloned(&self, machine: u32, seat: &Seat) {
        let lease = OfflineLease::read(&seat.lease, self.nodes.keys()).unwrap();
        let shown = lease.check(&fingerprint(machine + 1_000_000), None, &[], lease.issued_at());
        assert!(matches!(shown, Err(Error::OtherMachine)), "{shown:?}");
        let request = machine_request(self.key, machine + 1_000_000);
        let (answer, _) = self.nodes.send("POST", "/api/license/verify", &request);
        assert_eq!(answer.code(), "NOT_ACTIVATED", "{}", answer.body);
    }

    pub(crate) fn is_refused(&self, code: &str) {
        let request = machine_request(self.key, self.number * crate::MACHINES + 500);
        let (answer, _) = self.nodes.send("POST", "/api/license/activate", &request);
        assert_eq!((answer.status, answer.code()), (422, code), "{}", answer.body);
    }

    /// Its end comes: every machine hears it, none gets a seat, and all go on once it is renewed.
    pub(crate) fn expires(&mut self) {
        let end = Timestamp::parse(self.verified().text("ts")).unwrap().plus_seconds(1);
        self.edit(&json!({ "expires_at": end }));
        assert!(eventually(|| self.verified().code() == "EXPIRED"), "its end has come");
        let seats: Vec<(u32, Seat)> = self.books.seats.clone().into_iter().collect();
        for (machine, seat) in &seats {
            self.beat(*machine, seat, "EXPIRED");
        }
        self.is_refused("LICENSE_EXPIRED");
        self.operator("renew", &json!({ "reason": "paid" }));
        // The other node may take a second to hear of it; the nodes are asked in turn.
        assert!(eventually(|| (0..4).all(|_| self.verified().code() != "EXPIRED")));
    }

    /// Fewer seats than are in use: nobody is put out, and nobody comes in.
    pub(crate) fn shrinks(&mut self, seats: usize) {
        self.edit(&json!({ "seats": seats }));
        self.books.limit = seats;
        self.books.over = self.books.seats.len().saturating_sub(seats);
    }

    /// What verify says of the crew's first machine, seated or not.
    fn verified(&self) -> Answer {
        let request = machine_request(self.key, self.number * crate::MACHINES);
        self.nodes.send("POST", "/api/license/verify", &request).0
    }

    fn edit(&self, change: &Value) {
        let path = format!("/api/admin/licenses/{}", self.id);
        let answer = self.nodes.edit(&path, change);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub(crate) fn operator(&self, verb: &str, body: &Value) {
        let path = format!("/api/admin/licenses/{}/{verb}", self.id);
        let (answer, again) = self.nodes.send("POST", &path, body);
        assert!(answer.status == 200 || again, "{verb}: {}", answer.body);
    }
}

/// What a machine by number is known by, as the client library has it.
fn fingerprint(machine: u32) -> Fingerprint {
    let sent = machine_request("", machine)["fingerprint"].clone();
    let text = |name: &str| sent[name].as_str().map(str::to_owned);
    Fingerprint {
        mac_addresses: serde_json::from_value(sent["mac_addresses"].clone()).unwrap(),
        cpu_id: text("cpu_id"),
        system_uuid: text("system_uuid"),
        ..Fingerprint::default()
    }
}

/// Everything that the platform says of a license against the books.
pub(crate) fn compare(nodes: &Nodes, id: &str, key: &str, books: &Books, revoked: bool) {
    let path = |rest: &str| format!("/api/admin/licenses/{id}/{rest}");
    let info = nodes.get(&format!("/api/license/info/{key}"));
    assert_eq!(info["license"]["active"], json!(books.seats.len()), "seats of {id}");
    let beats: u64 = books.beats.values().sum();
    let stats = nodes.get(&path("usage-stats"));
    assert_eq!(stats["beats"], json!(beats), "beats of {id}: {stats}");
    assert_eq!(stats["machines"], json!(books.beats.len()), "machines of {id}: {stats}");
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
    let over_use = statement["over_use"].as_array().unwrap();
    let over = over_use.iter().filter_map(|day| day["over"].as_u64()).max();
    assert_eq!(over.unwrap_or(0), books.over as u64, "over-use of {id}: {statement}");
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
    let all = anomalies["items"].as_array().unwrap();
    let crowded = |one: &&Value| one["rule"] == "more_machines_than_seats" && one["license_id"] == id;
    assert_eq!(
        all.iter().any(|one| crowded(&one)),
        books.over > 0,
        "whether more machines run than {id} has seats: {anomalies}"
    );
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
