//! What operators may do, by their roles, and that a house keeps its last owner.

use licet_test_support::{Operator, PASSWORD, Server, eventually, licet};
use serde_json::{Value, json};

use crate::start;

fn id_of(server: &Server, email: &str) -> String {
    let head = server.get("/api/admin/audit?limit=1").body["items"][0]["position"].to_string();
    let listed = server.get_at(&head, "/api/admin/operators");
    let found = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["email"] == email);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_invitation_makes_an_operator_with_one_role() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let invitation = json!({ "name": "Grace", "email": "grace@example.com", "role": "support" });
    let invited = ada.browser.send(&server, "POST", "/api/admin/operators", &invitation);
    assert_eq!(invited.status, 201, "{}", invited.body);
    let link = invited.text("setup_url");
    assert!(link.starts_with(&format!("{}/setup?token=", server.url)), "{link}");
    let path = format!("/api/admin/operators/{}", invited.text("id"));
    let read = ada.browser.get(&server, &path);
    assert_eq!(read.text("status"), "invited");
    assert!(read.body.get("setup_url").is_none(), "the link is seen once");
    let twice = ada.browser.send(&server, "POST", "/api/admin/operators", &invitation);
    assert_eq!((twice.status, twice.code()), (409, "OPERATOR_EMAIL_TAKEN"));
    let nonsense = json!({ "name": "Grace", "email": "g@example.com", "role": "king" });
    let nonsense = ada.browser.send(&server, "POST", "/api/admin/operators", &nonsense);
    assert_eq!(
        (nonsense.status, nonsense.body["errors"][0]["pointer"].as_str()),
        (422, Some("/role"))
    );
    let again = ada
        .browser
        .send(&server, "POST", &format!("{path}/reinvite"), &json!({}));
    let second = again.text("setup_url").split("token=").nth(1).unwrap();
    let first = link.split("token=").nth(1).unwrap();
    let accept = |token: &str| {
        let body = json!({ "token": token, "password": PASSWORD });
        licet_test_support::Browser::default().send(&server, "POST", "/api/auth/setup", &body)
    };
    assert_eq!(
        accept(first).code(),
        "INVITATION_INVALID",
        "the link before is good no more"
    );
    let grace = Operator::set_up(
        &server,
        "grace@example.com",
        &json!({ "token": second, "password": PASSWORD }),
    );
    assert_eq!(accept(second).code(), "INVITATION_INVALID");
    let refused = grace.browser.send(&server, "POST", "/api/admin/operators", &invitation);
    assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"));
    assert_eq!(refused.body["roles"], json!(["owner"]), "{}", refused.body);
    let tag = read.header("etag");
    let promote = ada.browser.send_with(
        &server,
        "PATCH",
        &path,
        &[("if-match", tag)],
        &json!({ "role": "admin", "name": "Grace" }),
    );
    assert_eq!(
        (promote.status, promote.text("role")),
        (200, "admin"),
        "{}",
        promote.body
    );
    let tags = json!({ "name": "Key account" });
    assert_eq!(
        grace
            .browser
            .send(
                &server,
                "POST",
                "/api/admin/products",
                &json!({ "code": "p", "name": "P" })
            )
            .status,
        201
    );
    assert_eq!(
        grace.browser.send(&server, "POST", "/api/admin/tags", &tags).status,
        201
    );
    let disabled = ada
        .browser
        .send(&server, "POST", &format!("{path}/disable"), &json!({}));
    assert_eq!(disabled.text("status"), "disabled", "{}", disabled.body);
    assert_eq!(grace.browser.get(&server, "/api/admin/products").status, 401);
    assert_eq!(
        grace.give_password(&server, &grace.browser, PASSWORD).code(),
        "LOGIN_FAILED"
    );
    ada.browser.send(&server, "POST", &format!("{path}/enable"), &json!({}));
    assert_eq!(grace.sign_in(&server, &grace.browser).status, 200);
    let reset = ada
        .browser
        .send(&server, "POST", &format!("{path}/reset-totp"), &json!({}));
    assert_eq!(reset.body["has_second_factor"], false);
    assert_eq!(
        grace.give_password(&server, &grace.browser, PASSWORD).text("next"),
        "enroll"
    );
}

#[test]
fn the_last_owner_cannot_go_whoever_tries_at_the_same_moment() {
    let (server, database) = start();
    let other = Server::start(&database.url);
    let ada = Operator::first(&server, &database.url);
    let path = |email: &str| format!("/api/admin/operators/{}", id_of(&server, email));
    let disable = |server: &Server, email: &str| {
        let path = format!("{}/disable", path(email));
        server.send("POST", &path, &Value::Null)
    };
    let last = disable(&server, &ada.email);
    assert_eq!((last.status, last.code()), (409, "LAST_OWNER"), "{}", last.body);
    let owner = Operator::invited(&server, &ada.browser, "owner");
    std::thread::scope(|scope| {
        let one = scope.spawn(|| disable(&server, &ada.email));
        let two = scope.spawn(|| disable(&other, &owner.email));
        let codes = [one.join().unwrap(), two.join().unwrap()].map(|answer| answer.status);
        assert!(codes.contains(&200) && codes.contains(&409), "{codes:?}");
    });
    let listed = licet(&database.url)
        .args(["operators", "list", "--json"])
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let left = listed.as_array().unwrap().iter().filter(|one| one["disabled"] == false);
    assert_eq!(left.count(), 1, "{listed}");
}

#[test]
fn what_cannot_be_taken_back_asks_for_the_password_again() {
    let (server, database) = start();
    let ada = Operator::first(&server, &database.url);
    let other = Server::start_with(&database.url, &[("REAUTHENTICATION_SECONDS", "1")]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let key = json!({ "name": "build", "scopes": ["read"] });
    let asked = ada.browser.send(&other, "POST", "/api/admin/api-keys", &key);
    assert_eq!(
        (asked.status, asked.code()),
        (403, "REAUTHENTICATION_REQUIRED"),
        "{}",
        asked.body
    );
    assert_eq!(
        ada.browser.get(&other, "/api/admin/api-keys").status,
        200,
        "reading does not"
    );
    let give = |password: &str| {
        let body = json!({ "password": password });
        ada.browser.send(&other, "POST", "/api/auth/reauthenticate", &body)
    };
    assert_eq!(give("a wrong password").code(), "LOGIN_FAILED");
    assert_eq!(give(PASSWORD).status, 204);
    assert_eq!(
        ada.browser.send(&server, "POST", "/api/admin/api-keys", &key).status,
        201
    );
    let recorded = || server.get("/api/admin/audit?action=session.reauthenticated").body["total"] == 1;
    assert!(eventually(recorded), "once, and the wrong one not");
}
