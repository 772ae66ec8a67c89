//! What stands between a machine and the server in a company: an authority of its own, a proxy, a redirect.

use std::{
    path::Path,
    process::{Command, Output},
};

use licet_client::{Client, Error, Fingerprint, Store};
use licet_test_support::{HttpProxy, Server, Target, TlsFront, eventually, licet};
use serde_json::{Value, json};

use crate::{new_database, start};

const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";

/// `licet-client` with nothing of this machine's own settings.
fn client(url: &str, folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let program = licet("").get_program().to_owned();
    let mut command = Command::new(Path::new(&program).with_file_name("licet-client"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR")
        .env("LICET_API_KEY", API_KEY)
        .envs(settings.iter().copied())
        .args(["--server", url, "--state"])
        .arg(folder.join("state.json"))
        .args(arguments);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_companys_authority_is_trusted_by_file_by_setting_and_by_the_library() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3, "fingerprint_match": 1 }));
    let (front, folder) = (TlsFront::before(&server.url), tempfile::tempdir().unwrap());
    let authority = folder.path().join("company.pem");
    std::fs::write(&authority, &front.authority).unwrap();
    let authority = authority.to_str().unwrap();
    let verify = |settings: &[(&str, &str)], more: &[&str]| {
        let arguments: Vec<&str> = more.iter().copied().chain(["verify", &key]).collect();
        client(&front.url, folder.path(), settings, &arguments)
    };
    let answered = |output: &Output| {
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        shown["code"].as_str().map(str::to_owned)
    };
    let unknown = verify(&[], &[]);
    assert_eq!(answered(&unknown), None);
    assert!(said(&unknown).contains("could not be reached"), "{}", said(&unknown));
    let by_file = verify(&[], &["--ca", authority]);
    assert_eq!(
        answered(&by_file).as_deref(),
        Some("NOT_ACTIVATED"),
        "{}",
        said(&by_file)
    );
    let by_setting = verify(&[("SSL_CERT_FILE", authority)], &[]);
    assert_eq!(
        answered(&by_setting).as_deref(),
        Some("NOT_ACTIVATED"),
        "{}",
        said(&by_setting)
    );
    let missing = verify(&[("SSL_CERT_FILE", "/nowhere.pem")], &[]);
    assert!(said(&missing).contains("SSL_CERT_FILE"), "{}", said(&missing));
    let store = Store::open(folder.path().join("library.json")).unwrap();
    let mut library = Client::with_roots(&front.url, API_KEY, store, front.authority.as_bytes()).unwrap();
    let machine = Fingerprint {
        cpu_id: Some("cpu".to_owned()),
        system_uuid: Some("9d3f1c52-7a40-4be1-8a43-52b1d0c7e611".to_owned()),
        ..Fingerprint::default()
    };
    assert!(library.activate(&key, &machine, None).is_ok());
}

#[test]
fn a_proxy_is_used_unless_the_servers_network_is_excepted() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let (proxy, folder) = (HttpProxy::start(), tempfile::tempdir().unwrap());
    let verify = |settings: &[(&str, &str)]| {
        let output = client(&server.url, folder.path(), settings, &["verify", &key]);
        assert!(said(&output).is_empty(), "{}", said(&output));
        proxy.tunnels()
    };
    let excepted = [
        ("HTTP_PROXY", proxy.url.as_str()),
        ("NO_PROXY", "example.com, 127.0.0.0/8"),
    ];
    assert_eq!(verify(&excepted), 0, "the network is excepted");
    assert_eq!(
        verify(&[("HTTPS_PROXY", proxy.url.as_str())]),
        0,
        "that is the other scheme's"
    );
    assert!(verify(&[("HTTP_PROXY", proxy.url.as_str()), ("NO_PROXY", "10.0.0.0/8")]) > 0);
    let (front, before) = (TlsFront::before(&server.url), proxy.tunnels());
    let authority = folder.path().join("company.pem");
    std::fs::write(&authority, &front.authority).unwrap();
    let settings = [("https_proxy", proxy.url.as_str()), ("NO_PROXY", "")];
    let arguments = ["--ca", authority.to_str().unwrap(), "verify", &key];
    let output = client(&front.url, folder.path(), &settings, &arguments);
    assert!(
        said(&output).is_empty() && proxy.tunnels() > before,
        "{}",
        said(&output)
    );
}

#[test]
fn a_redirect_is_told_and_the_key_does_not_follow_it() {
    let elsewhere = Target::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());
    let to = format!("{}/api/license/verify", elsewhere.url);
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let (to, status) = (to.clone(), status.to_owned());
        let server = Target::start(move |_| {
            format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        });
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("state.json")).unwrap();
        let mut client = Client::new(&server.url, API_KEY, store).unwrap();
        let refused = client
            .verify("LIC-AAAAA", &Fingerprint::default(), None, &[])
            .unwrap_err();
        assert!(
            matches!(refused, Error::Network(_)),
            "a program goes on with its lease: {refused}"
        );
        let said = refused.to_string();
        assert!(said.contains("redirects to") && said.contains(&elsewhere.url), "{said}");
    }
    assert!(elsewhere.got().is_empty(), "nothing was sent on");
}

#[test]
fn a_webhooks_target_may_have_a_companys_certificate() {
    let database = new_database();
    let target = Target::start(|_| "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned());
    let (front, folder) = (TlsFront::before(&target.url), tempfile::tempdir().unwrap());
    let authority = folder.path().join("company.pem");
    std::fs::write(&authority, &front.authority).unwrap();
    let settings = [
        ("WEBHOOK_ALLOW_PRIVATE", "true"),
        ("SSL_CERT_FILE", authority.to_str().unwrap()),
    ];
    let server = Server::start_with(&database.url, &settings);
    let order = json!({ "url": front.url, "event_types": ["tag.created"] });
    let webhook = server.create("/api/admin/webhooks", &order);
    let tested = server.send("POST", &format!("{}/test", webhook.header("location")), &Value::Null);
    assert_eq!(tested.body["delivered"], true, "{}", tested.body);
    server.create("/api/admin/tags", &json!({ "name": "VIP" }));
    assert!(eventually(|| target.got().len() == 2), "the test and the event");
}
