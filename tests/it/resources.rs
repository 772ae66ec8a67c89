//! What every resource does alike, and what tags do besides.

use licet_test_support::{Answer, Server};
use serde_json::{Value, json};

use crate::{new_database, start};

/// A collection of plain resources, with what the document gives as examples of making one and of changing it.
struct Collection {
    path: String,
    new: Value,
    change: Value,
}

/// All collections whose things can be made, read, changed and retired; licenses, which are issued by the batch, are tried
/// elsewhere. Products come first, because others belong to one.
fn collections(server: &Server) -> Vec<Collection> {
    let document = server.get("/api/openapi.json").body;
    let example = |operation: &Value| {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let pointer = schema.as_str().unwrap().trim_start_matches('#');
        let schema = document.pointer(pointer).unwrap();
        let example = schema["example"].clone();
        assert!(example.is_object(), "{pointer} has no example");
        example
    };
    let mut found = Vec::new();
    for (path, one) in document["paths"].as_object().unwrap() {
        let Some(all) = path.strip_suffix("/{id}") else {
            continue;
        };
        let verbs = ["get", "patch", "delete"];
        if verbs.iter().all(|verb| one[verb].is_object()) && all != "/api/admin/licenses" {
            found.push(Collection {
                path: all.to_owned(),
                new: example(&document["paths"][all]["post"]),
                change: example(&one["patch"]),
            });
        }
    }
    found.sort_by_key(|one| one.path != "/api/admin/products");
    found
}

fn ids(page: &Answer) -> Vec<&str> {
    let items = page.body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn every_plain_resource_is_made_read_listed_changed_and_retired_alike() {
    let (server, _database) = start();
    let collections = collections(&server);
    assert!(collections.len() >= 6);
    let made: Vec<Answer> = collections
        .iter()
        .map(|one| server.create(&one.path, &one.new))
        .collect();
    for (collection, made) in collections.iter().zip(&made).rev() {
        let (all, change) = (&collection.path, &collection.change);
        let (path, id) = (made.header("location"), made.text("id"));
        assert_eq!(path, format!("{all}/{id}"));
        // Others may have changed it: a release raises its product's minimum version.
        let read = server.get(path);
        let (position, tag) = (read.header("licet-position"), read.header("etag"));
        let listed = server.get_at(position, all);
        let item = listed.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["id"] == id);
        let mut item = item.cloned().unwrap();
        // What lists alone tell.
        item.as_object_mut().unwrap().remove("licenses");
        assert_eq!(item, read.body, "{all}: the list shows what the rules fold");
        assert_eq!(server.send("PATCH", path, change).code(), "PRECONDITION_REQUIRED");
        assert_eq!(server.patch(path, "\"other\"", change).code(), "PRECONDITION_FAILED");
        let edited = server.patch(path, tag, change);
        assert_eq!(edited.status, 200, "{all}: {}", edited.body);
        assert_ne!(edited.header("etag"), tag, "{all}");
        assert_eq!(server.get(path).body, edited.body, "{all}");
        let same = server.patch(path, edited.header("etag"), change);
        assert_eq!(same.header("etag"), edited.header("etag"), "{all}: nothing changed");
        let before = server.get(&format!("{path}?as_of={position}"));
        assert_eq!(before.body, read.body, "{all}: as it was");
        assert_eq!(server.retire(path, tag).code(), "PRECONDITION_FAILED");
        let retired = server.retire(path, edited.header("etag"));
        assert_eq!(retired.status, 204, "{all}: {}", retired.body);
        let now = server.get(path);
        assert!(
            ["retired", "yanked"].contains(&now.text("status")),
            "{all}: {}",
            now.body
        );
        assert_eq!(
            server.retire(path, now.header("etag")).status,
            204,
            "{all}: once more is nothing"
        );
        assert!(
            !ids(&server.get_at(retired.header("licet-position"), all)).contains(&id),
            "{all}"
        );
        let late = server.patch(path, now.header("etag"), change);
        assert_eq!(late.status, 409, "{all}: {}", late.body);
        let history = server.get(&format!("{path}/events"));
        assert!(history.body["total"].as_i64() >= Some(3), "{all}: {}", history.body);
        let missing = server.get(&format!("{all}/{}", uuid::Uuid::max()));
        assert_eq!(missing.status, 404, "{all}");
        assert!(missing.code().ends_with("_NOT_FOUND"), "{all}: {}", missing.code());
    }
}

#[test]
fn a_tags_name_is_its_own_until_it_is_renamed_or_retired_on_every_node() {
    let database = new_database();
    let (one, other) = (Server::start(&database.url), Server::start(&database.url));
    let make = |server: &Server, name: &str| server.send("POST", "/api/admin/tags", &json!({ "name": name }));
    let vip = make(&one, "VIP");
    assert_eq!((vip.status, vip.text("color")), (201, "#6b7280"), "{}", vip.body);
    let path = vip.header("location").to_owned();
    for taken in ["VIP", "vip", " Vip "] {
        assert_eq!(make(&other, taken).code(), "TAG_NAME_TAKEN", "{taken:?}");
    }
    let lower = one.patch(&path, vip.header("etag"), &json!({ "name": "vip", "color": "#0EA5E9" }));
    assert_eq!(
        (lower.text("name"), lower.text("color")),
        ("vip", "#0ea5e9"),
        "its own name in another case"
    );
    let renamed = other.patch(&path, lower.header("etag"), &json!({ "name": "Key account" }));
    assert_eq!(renamed.status, 200, "{}", renamed.body);
    assert_eq!(make(&one, "Key Account").code(), "TAG_NAME_TAKEN");
    let second = make(&one, "VIP");
    assert_eq!(second.status, 201, "the old name is free: {}", second.body);
    let back = one.patch(&path, renamed.header("etag"), &json!({ "name": "VIP" }));
    assert_eq!(back.code(), "TAG_NAME_TAKEN", "and another's now");
    assert_eq!(one.get(&path).body, renamed.body, "what was refused changed nothing");
    assert_eq!(other.retire(&path, renamed.header("etag")).status, 204);
    assert_eq!(make(&other, "key account").status, 201, "a retired tag's name is free");
    let late = one.patch(&path, one.get(&path).header("etag"), &json!({ "color": "#000000" }));
    assert_eq!(late.code(), "TAG_RETIRED");
}

#[test]
fn a_tags_name_is_won_by_one_of_many() {
    let (server, _database) = start();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let make = || server.send("POST", "/api/admin/tags", &json!({ "name": "Hot" }));
        let tries: Vec<_> = (0..12).map(|_| scope.spawn(make)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.code() == "TAG_NAME_TAKEN"), "{lost:?}");
    for (body, code) in [
        (json!({ "name": "" }), "VALIDATION_FAILED"),
        (json!({ "name": "x".repeat(51) }), "VALIDATION_FAILED"),
        (json!({ "name": "Cold", "color": "blue" }), "VALIDATION_FAILED"),
    ] {
        assert_eq!(server.send("POST", "/api/admin/tags", &body).code(), code, "{body}");
    }
    let listed = server.get_at(won[0].header("licet-position"), "/api/admin/tags");
    assert_eq!(listed.body["total"], 1, "what was refused made nothing");
}

#[test]
fn a_list_that_one_page_shows_has_as_many_as_it_shows() {
    let (server, _database) = start();
    for number in 0..8 {
        let made = server.create("/api/admin/tags", &json!({ "name": format!("tag {number}") }));
        // Nobody names a position: what is listed may be a moment old, and its total is no older.
        let now = server.get("/api/admin/tags");
        assert_eq!(now.body["total"], ids(&now).len(), "{}", now.body);
        let known = server.get_at(made.header("licet-position"), "/api/admin/tags?limit=2");
        assert_eq!(known.body["total"], number + 1, "{}", known.body);
    }
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn whatever_happened_to_licenses_the_list_shows_what_the_rules_fold() {
    let (server, _database) = start();
    let licenses = [
        server.issue("fixed", &json!({ "seats": 3, "duration_days": 30, "grace_days": 2 })),
        server.issue("floating", &json!({ "seats": 2, "floating": true })),
        server.issue(
            "late",
            &json!({ "seats": 2, "duration_days": 10, "duration_from": "first_activation" }),
        ),
    ];
    let (mut numbers, mut last) = (Numbers(7), String::new());
    for step in 0..120 {
        let (id, key) = &licenses[usize::try_from(numbers.below(3)).unwrap()];
        let path = format!("/api/admin/licenses/{id}");
        let machine = u32::try_from(numbers.below(5)).unwrap();
        let answer = match numbers.below(12) {
            0 => server.send("POST", &format!("{path}/suspend"), &json!({})),
            1..=2 => server.send("POST", &format!("{path}/resume"), &json!({})),
            3 => server.send(
                "POST",
                &format!("{path}/renew"),
                &json!({ "expires_at": format!("2031-01-{:02}T00:00:00Z", 1 + machine) }),
            ),
            4 => {
                let change = json!({ "seats": 1 + machine, "features": { "print": machine > 2 }, "note": format!("note {step}") });
                server.patch(&path, server.get(&path).header("etag"), &change)
            }
            5 => server.patch(
                &path,
                server.get(&path).header("etag"),
                &json!({ "seats": null, "expires_at": null, "note": null }),
            ),
            6..=7 => {
                let found = server.activate(key, machine);
                let leave = json!({ "license_key": key, "activation_id": found.text("activation_id") });
                server.send("POST", "/api/license/deactivate", &leave)
            }
            _ => server.activate(key, machine),
        };
        assert!(answer.status < 500, "{}", answer.body);
        if let Ok(position) = answer.header("licet-position").parse::<u64>() {
            last = position.to_string();
        }
    }
    let listed = server.get_at(&last, "/api/admin/licenses").body;
    for item in listed["items"].as_array().unwrap() {
        let read = server.get(&format!("/api/admin/licenses/{}", item["id"].as_str().unwrap()));
        assert_eq!(*item, read.body);
    }
    assert_eq!(listed["total"], 3);
}
