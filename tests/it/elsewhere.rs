//! What the server signs is checked by libraries of another language that know nothing of this project: leases and
//! statements by `PyJWT`, answers (RFC 9421) by `http-message-signatures`.

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use licet_test_support::{Answer, Server};
use serde_json::{Value, json};

use crate::start;

const LEASES: &str = r#"
import json, sys, jwt
keys = {key["kid"]: jwt.PyJWK(key).key for key in json.loads(sys.argv[1])["keys"]}
for token in json.loads(sys.argv[2]):
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, keys[header["kid"]], algorithms=["EdDSA"], options={"verify_aud": False})
    print(header["typ"], claims["iss"])
    head, body, signature = token.split(".")
    changed = body[:-2] + ("AA" if body[-2:] != "AA" else "BB")
    try:
        jwt.decode(".".join([head, changed, signature]), keys[header["kid"]], algorithms=["EdDSA"])
        sys.exit("a changed token was accepted")
    except jwt.exceptions.InvalidTokenError:
        pass
"#;

const ANSWERS: &str = r#"
import base64, hashlib, json, sys
from types import SimpleNamespace
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

class Keys(HTTPSignatureKeyResolver):
    def __init__(self, keys):
        self.keys = {key["kid"]: base64.urlsafe_b64decode(key["x"] + "==") for key in keys}
    def resolve_public_key(self, key_id):
        return Ed25519PublicKey.from_public_bytes(self.keys[key_id])

verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Keys(json.loads(sys.argv[1])["keys"]))
for answer in json.loads(sys.argv[2]):
    def check(status):
        request = SimpleNamespace(method=answer["method"], url=answer["url"], headers={})
        response = SimpleNamespace(status_code=status, headers=answer["headers"], request=request)
        return verifier.verify(response)
    (found,) = check(answer["status"])
    assert found.label == "licet" and len(found.covered_components) >= 6, found
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(answer["body"])).digest()).decode()
    assert answer["headers"]["content-digest"] == f"sha-256=:{digest}:", "the digest is the body's"
    try:
        check(answer["status"] + 1)
        sys.exit("a changed status was accepted")
    except Exception:
        pass
    print("holds", answer["status"])
"#;

/// Runs a script on what is given as JSON; answers what it printed, or nothing where there is no such Python.
fn python(script: &str, keys: &Value, given: &Value) -> Option<String> {
    let Some(python) = std::env::var_os("LICET_PYTHON").map(PathBuf::from) else {
        eprintln!("SKIPPED: LICET_PYTHON names no Python with the other libraries; ./dev test installs one");
        return None;
    };
    let arguments = [script.to_owned(), keys.to_string(), given.to_string()];
    let output = Command::new(python).arg("-c").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn keys(server: &Server) -> Value {
    server.get("/.well-known/licet/keys").body
}

#[test]
fn leases_and_statements_verify_with_another_jose_library() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 3 }));
    let lease = server.activate(&key, 1).text("lease").to_owned();
    let statement = server.get(&format!("/api/admin/licenses/{id}/true-up?from=2026-01-01T00:00:00Z"));
    let tokens = json!([lease, statement.text("jws")]);
    if let Some(printed) = python(LEASES, &keys(&server), &tokens) {
        let types: Vec<_> = printed.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(types, ["licet-lease+jwt", "licet-true-up+jwt"]);
    }
}

#[test]
fn answers_and_errors_verify_with_another_signature_library() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    let path = "/api/license/activate";
    let shown = |path: &str, method: &str, answer: &Answer| {
        json!({ "method": method, "url": format!("{}{path}", server.url), "status": answer.status,
                "headers": answer.headers, "body": STANDARD.encode(&answer.bytes) })
    };
    let first = server.activate(&key, 1);
    let full = server.activate(&key, 2);
    let info = format!("/api/license/info/{key}");
    let queried = format!("{info}?");
    let answers = json!([
        shown(path, "POST", &first),
        shown(path, "POST", &full),
        shown(&info, "GET", &server.get(&info)),
        shown(&queried, "GET", &server.get(&queried)),
        shown(
            "/api/license/heartbeat",
            "POST",
            &server.beat("not.a.token", &json!({}))
        ),
    ]);
    if let Some(printed) = python(ANSWERS, &keys(&server), &answers) {
        assert_eq!(printed.lines().count(), 5, "{printed}");
        assert!(
            printed.starts_with("holds 201") && printed.contains("holds 401"),
            "{printed}"
        );
    }
}
