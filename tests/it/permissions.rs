//! Who may do what: every route, with every kind of credential.

use std::collections::{BTreeMap, BTreeSet};

use licet_test_support::{Operator, Server};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::start;

/// A credential, as it is sent, and the scopes that it has.
struct Credential {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    scopes: &'static [&'static str],
    /// An activation's token, which no scope says anything of.
    token: bool,
    /// What an operator is.
    role: Option<&'static str>,
}

fn credentials(server: &Server, token: &str) -> Vec<Credential> {
    let key = |name: &'static str, scopes: &'static [&'static str]| {
        let made = server.create("/api/admin/api-keys", &json!({ "name": name, "scopes": scopes }));
        let headers = vec![("x-api-key", made.text("key").to_owned())];
        Credential {
            name,
            headers,
            scopes,
            token: false,
            role: None,
        }
    };
    let bearer = vec![("authorization", format!("Bearer {token}"))];
    vec![
        key("client", &["client"]),
        key("read", &["read"]),
        key("admin", &["admin"]),
        key("client and read", &["client", "read"]),
        Credential {
            name: "token",
            headers: bearer,
            scopes: &[],
            token: true,
            role: None,
        },
    ]
}

/// An operator of each role, each in its own session.
fn operators(server: &Server, database_url: &str) -> Vec<Credential> {
    let ada = Operator::first(server, database_url);
    let roles = ["owner", "admin", "support", "sales", "analyst", "auditor"];
    let session = |role: &'static str| {
        let operator = Operator::invited(server, &ada.browser, role);
        let cookie = operator.browser.cookie("licet").unwrap();
        Credential {
            name: role,
            headers: vec![
                ("cookie", format!("licet={cookie}")),
                ("x-licet-request", "1".to_owned()),
            ],
            scopes: &[],
            token: false,
            role: Some(role),
        }
    };
    roles.map(session).into()
}

/// Every operation of the document that asks for a permission: method, path, permission.
fn operations(document: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let permission = operation["x-permission"].as_str();
            // What everybody may do who is signed in asks for no permission.
            let security = operation["security"].as_array().unwrap();
            let open = security.iter().all(|one| one.get("session").is_some());
            assert_eq!(permission.is_none(), open, "{method} {path}");
            if let Some(permission) = permission {
                found.push((method.to_uppercase(), path.clone(), permission.to_owned()));
            }
        }
    }
    found
}

/// An address of a thing that is not there.
fn address(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            Uuid::max().to_string()
        } else {
            segment.to_owned()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_asks_for_its_permission_and_for_nothing_else() {
    let (server, database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let activated = server.activate(&key, 1);
    let document = server.get("/api/openapi.json").body;
    let answer = server.get("/api/admin/permissions").body;
    let listed: BTreeMap<&str, &Value> = answer["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["permission"].as_str().unwrap(), one))
        .collect();
    let operations = operations(&document);
    assert!(operations.len() > 80, "{}", operations.len());
    let mut credentials = credentials(&server, activated.text("token"));
    credentials.extend(operators(&server, &database.url));
    for (method, path, permission) in &operations {
        let one = listed[permission.as_str()];
        let route = format!("{method} {path}");
        assert!(
            one["routes"].as_array().unwrap().contains(&json!(route)),
            "{route}: {one}"
        );
        let at = address(path);
        // Nothing is sent that could be done: what is allowed is refused for something else.
        let nobody = server.send_with(method, &at, &[], b"");
        assert_eq!((nobody.status, nobody.code()), (401, "UNAUTHENTICATED"), "{route}");
        let made_up = server.send_with(method, &at, &[("authorization", "Bearer a.b.c")], b"");
        assert_eq!(made_up.status, 401, "{route}");
        for credential in &credentials {
            let headers: Vec<_> = credential
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let answered = server.send_with(method, &at, &headers, b"");
            let scope = one["scope"].as_str().unwrap();
            let reads = scope == "read" && credential.scopes.contains(&"admin");
            let by_key = credential.scopes.contains(&scope) || reads;
            let by_token = credential.token && permission == "licenses.use";
            let roles = one["roles"].as_array().unwrap();
            let by_role = credential.role.is_some_and(|role| roles.iter().any(|one| one == role));
            let allowed = by_key || by_token || by_role;
            let name = format!(
                "{route} with {}: {} {}",
                credential.name, answered.status, answered.body
            );
            if allowed {
                assert_ne!(answered.code(), "FORBIDDEN", "{name}");
            } else {
                assert_eq!((answered.status, answered.code()), (403, "FORBIDDEN"), "{name}");
                assert_eq!(answered.body["permission"], *permission, "{name}");
            }
        }
    }
    let used: BTreeSet<&str> = operations
        .iter()
        .map(|(_, _, permission)| permission.as_str())
        .collect();
    let known: BTreeSet<&str> = listed.keys().copied().collect();
    assert_eq!(
        known, used,
        "a permission that no route asks for, or a route that asks for an unknown one"
    );
}
