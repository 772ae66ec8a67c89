//! The live stream: what happens is told as it happens, to who may know it, for as long as that one is in.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use licet_test_support::{API_KEY, Browser, Operator, Server};
use serde_json::{Value, json};

use crate::start;

/// One event of the stream.
#[derive(Debug)]
struct Told {
    name: String,
    position: i64,
    data: Value,
}

struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(server: &Server, headers: &[(&str, &str)]) -> Self {
        let address = server.url.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut request = format!("GET /api/admin/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        for (name, value) in headers {
            request = format!("{request}{name}: {value}\r\n");
        }
        connection.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut stream = Self(BufReader::new(connection));
        assert_eq!(stream.line().as_deref(), Some("HTTP/1.1 200 OK"));
        stream
    }

    fn by_key(server: &Server) -> Self {
        Self::open(server, &[("x-api-key", API_KEY)])
    }

    fn by_session(server: &Server, browser: &Browser) -> Self {
        let cookie = format!("licet={}", browser.cookie("licet").unwrap());
        Self::open(server, &[("cookie", &cookie), ("x-licet-request", "1")])
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; none once the stream has ended. Lengths of chunks and comments lie between.
    fn next(&mut self) -> Option<Told> {
        let (mut name, mut position, mut data) = (None, None, None::<Value>);
        loop {
            let line = self.line()?;
            match line.split_once(':').map(|(field, value)| (field, value.trim())) {
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("id", value)) => position = value.parse().ok(),
                Some(("data", value)) => data = serde_json::from_str(value).ok(),
                _ => {}
            }
            if let (Some(name), Some(position), Some(data)) = (&name, position, &data) {
                return Some(Told {
                    name: name.clone(),
                    position,
                    data: data.clone(),
                });
            }
        }
    }

    /// The next event of such a name for which this holds.
    fn until(&mut self, name: &str, holds: impl Fn(&Told) -> bool) -> Told {
        loop {
            let told = self.next().expect("the stream goes on");
            if told.name == name && holds(&told) {
                return told;
            }
        }
    }
}

#[test]
fn what_happens_is_told_with_its_position_and_who_comes_back_hears_what_was_missed() {
    let (server, _database) = start();
    let mut stream = Stream::by_key(&server);
    let counted = stream.until("counters", |_| true).data;
    assert_eq!(
        (&counted["licenses"], &counted["devices"]),
        (&json!(0), &json!(0)),
        "{counted}"
    );
    let projectors = stream.until("projectors", |_| true).data;
    let known = projectors.as_array().unwrap();
    assert!(
        known
            .iter()
            .any(|one| one["name"] == "license_state" && one["stopped_by"].is_null()),
        "{projectors}"
    );

    let (license, key) = server.issue("studio", &json!({ "seats": 1 }));
    let issued = stream.until("activity", |told| told.data["action"] == "license.issued");
    assert_eq!(issued.data["aggregate_id"], license);
    assert_eq!(issued.data["position"], issued.position);
    assert_eq!(issued.data["actor"]["kind"], "api_key", "{}", issued.data);
    server.activate(&key, 1);
    stream.until("counters", |told| {
        told.data["licenses"] == 1 && told.data["devices"] == 1
    });
    drop(stream);

    let suspended = server.send("POST", &format!("/api/admin/licenses/{license}/suspend"), &json!({}));
    assert_eq!(suspended.status, 200);
    let since = issued.position.to_string();
    let mut again = Stream::open(&server, &[("x-api-key", API_KEY), ("last-event-id", &since)]);
    let missed = again.until("activity", |_| true);
    assert_eq!(missed.data["action"], "license.activated", "{}", missed.data);
    again.until("activity", |told| told.data["action"] == "license.suspended");
    // However much was missed, all of it comes, in order.
    let customer = server
        .get(&format!("/api/admin/licenses/{license}"))
        .text("customer_id")
        .to_owned();
    let order = json!({ "customer_id": customer, "policy": "studio", "count": 700 });
    assert_eq!(
        server.create("/api/admin/licenses", &order).body["items"]
            .as_array()
            .unwrap()
            .len(),
        700
    );
    let mut late = Stream::open(&server, &[("x-api-key", API_KEY), ("last-event-id", &since)]);
    let mut last = issued.position;
    for _ in 0..700 {
        let told = late.until("activity", |told| told.data["action"] == "license.issued");
        assert!(told.position > last, "{told:?} after {last}");
        last = told.position;
    }
    // A position of another log's is none of this one.
    let mut foreign = Stream::open(&server, &[("x-api-key", API_KEY), ("last-event-id", "999999999")]);
    foreign.until("counters", |told| told.data["suspended"] == 1);
}

#[test]
fn each_hears_what_it_may_read_and_nobody_hears_after_its_session() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let seller = Operator::invited(&server, &ada.browser, "sales");
    let (mut owner, mut sales) = (
        Stream::by_session(&server, &ada.browser),
        Stream::by_session(&server, &seller.browser),
    );
    owner.until("counters", |_| true);
    sales.until("counters", |_| true);
    let other = Browser::default();
    assert_eq!(ada.sign_in(&server, &other).status, 200);
    owner.until("sessions", |told| told.data["action"] == "session.begun");
    server.issue("studio", &json!({ "seats": 1 }));
    loop {
        let told = sales.next().unwrap();
        assert_ne!(told.name, "sessions", "{told:?}");
        assert!(
            told.data["actor"].is_null() && told.data["client_address"].is_null(),
            "{told:?}"
        );
        if told.data["action"] == "license.issued" {
            break;
        }
    }
    // Whoever may do less, or more, than when the stream began is heard anew.
    let colleague = Operator::invited(&server, &ada.browser, "admin");
    let mut demoted = Stream::by_session(&server, &colleague.browser);
    demoted.until("counters", |_| true);
    let listed = server.get("/api/admin/operators").body;
    let own = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["email"] == colleague.email.as_str());
    let path = format!("/api/admin/operators/{}", own.unwrap()["id"].as_str().unwrap());
    let tag = server.get(&path).header("etag").to_owned();
    assert_eq!(server.patch(&path, &tag, &json!({ "role": "sales" })).status, 200);
    while demoted.next().is_some() {}

    let out = seller.browser.send(&server, "POST", "/api/auth/logout", &json!({}));
    assert_eq!(out.status, 204, "{}", out.body);
    while sales.next().is_some() {}
    let refused = server.send_with("GET", "/api/admin/live", &[], b"");
    assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"));
}
