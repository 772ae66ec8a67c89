//! `docs/VERIFYING.md`: its programs, as they stand there, verify what a server has signed, and nothing else.

use std::{path::Path, process::Command};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use licet_test_support::machine_request;
use serde_json::{Value, json};

use crate::{
    start,
    tools::{contract, run, tool},
};

/// The program of a language in the page.
fn program(language: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/VERIFYING.md");
    let page = std::fs::read_to_string(page).unwrap();
    let program = page.split(&format!("```{language}\n")).nth(1).unwrap();
    let program = program.split("```").next().unwrap().to_owned();
    assert!(program.lines().count() <= 30, "{language} takes no more than 30 lines");
    program
}

#[test]
fn the_programs_of_the_page_verify_everything_that_is_signed() {
    let (server, _database) = start();
    let (id, key) = server.issue("studio", &json!({ "seats": 1 }));
    let activated = server.activate(&key, 1);
    let statement = server.get(&format!("/api/admin/licenses/{id}/true-up?from=2026-01-01T00:00:00Z"));
    let revocations = String::from_utf8(server.get("/api/license/revocations").bytes).unwrap();
    let mut checkpoint = server.get("/.well-known/licet/checkpoint");
    // The worker signs once a minute at most.
    for _ in 0..120 {
        if checkpoint.status == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        checkpoint = server.get("/.well-known/licet/checkpoint");
    }
    let payload = String::from_utf8(checkpoint.bytes.clone()).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload.split('.').nth(1).unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        payload["epoch"], payload["log_id"],
        "the first epoch is named by its log"
    );
    let full = server.activate(&key, 2);
    let answers = [(&activated, 1), (&full, 2)].map(|(answer, machine)| {
        json!({ "method": "POST", "url": format!("{}/api/license/activate", server.url),
            "nonce": machine_request(&key, machine)["nonce"], "status": answer.status, "headers": answer.headers,
            "body": STANDARD.encode(&answer.bytes) })
    });
    let given = json!({
        "keys": server.get("/.well-known/licet/keys").body,
        "tokens": [
            [activated.text("lease"), "licet-lease+jwt"],
            [statement.text("jws"), "licet-true-up+jwt"],
            [revocations, "licet-revocations+jwt"],
            [String::from_utf8(checkpoint.bytes).unwrap(), "licet-checkpoint+jwt"],
        ],
        "answers": answers,
    });
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("given.json"), given.to_string()).unwrap();
    std::fs::write(path("verify.py"), program("python")).unwrap();
    std::fs::write(path("verify.mjs"), program("js")).unwrap();
    let Some(python) = tool("LICET_PYTHON_BIN", "python") else {
        return;
    };
    let files = [path("given.json"), path("made.json")];
    let printed = run(Command::new(python)
        .arg(contract("verifying.py"))
        .args(&files)
        .env("PYTHONPATH", folder.path()));
    assert_eq!(printed.trim(), "4 16 2");
    let Some(modules) = tool("LICET_NODE_BIN", "..") else {
        return;
    };
    std::os::unix::fs::symlink(modules, path("node_modules")).unwrap();
    std::fs::copy(contract("verifying.mjs"), path("verifying.mjs")).unwrap();
    let printed = run(Command::new("node").arg(path("verifying.mjs")).args(&files));
    assert_eq!(printed.trim(), "4 16 2");
}
