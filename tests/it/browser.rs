//! The browser app as people use it: a real Chromium over the real server, in `tests/e2e/`.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use licet_test_support::{Server, built, setup_token};

use crate::{
    new_database, start,
    tools::{API_KEY, run, tool},
};

/// A story of `tests/e2e/`, over what it is given besides the server's address.
pub(crate) fn tell(name: &str, arguments: &[&str]) {
    let Some(node_bin) = tool("LICET_NODE_BIN", "playwright-core") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e").join(name);
    let printed = run(Command::new("node")
        .arg(script)
        .args(arguments)
        .env("LICET_NODE_BIN", node_bin.parent().unwrap()));
    assert_eq!(printed.trim(), "well");
}

#[test]
fn the_first_day_of_a_house() {
    let (server, database) = start();
    let link = format!("/setup?token={}", setup_token(&database.url));
    tell("first_day.mjs", &[&server.url, &link, API_KEY]);
}

#[test]
fn a_days_work_in_every_room() {
    let (server, database) = start();
    let link = format!("/setup?token={}", setup_token(&database.url));
    tell("rooms.mjs", &[&server.url, &link, API_KEY]);
}

#[test]
fn backups_are_made_and_tried_in_sight() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let settings = [("BACKUP_STORE", store.path().to_str().unwrap())];
    let server = Server::start_with(&database.url, &settings);
    let link = format!("/setup?token={}", setup_token(&database.url));
    tell("backups.mjs", &[&server.url, &link]);
}

#[test]
fn what_happens_is_in_every_tab() {
    let (server, database) = start();
    let link = format!("/setup?token={}", setup_token(&database.url));
    let client = built("licet-client").display().to_string();
    tell("live.mjs", &[&server.url, &link, API_KEY, &client]);
}

#[test]
fn what_is_typed_is_not_lost() {
    let (server, database) = start();
    let link = format!("/setup?token={}", setup_token(&database.url));
    let (url, pid) = (server.url.clone(), server.pid().to_string());
    let address = url.trim_start_matches("http://").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let (wanted, told) = (folder.path().join("wanted"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        // The story kills the server; here it is started again, where it was, and lives until the end of the story.
        scope.spawn(|| {
            let mut again = None;
            while !told.load(Ordering::Relaxed) {
                if again.is_none() && wanted.exists() {
                    again = Some(Server::start_at(&database.url, &address));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        // A story that fails ends the thread too.
        let story = std::panic::catch_unwind(|| {
            tell(
                "editing.mjs",
                &[&url, &link, API_KEY, &pid, &wanted.display().to_string()],
            );
        });
        told.store(true, Ordering::Relaxed);
        if let Err(failed) = story {
            std::panic::resume_unwind(failed);
        }
    });
}

#[test]
fn pages_run_nothing_from_elsewhere_and_are_compressed_ahead() {
    let (server, _database) = start();
    let page = server.send_with("GET", "/", &[], b"");
    assert_eq!(page.status, 200, "./dev ui builds the app");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let wasm = html.split('"').find(|part| part.contains(".wasm")).unwrap();
    let mut whole = 0;
    for part in html.split('"').filter(|part| part.starts_with("/assets/")) {
        let file = server.send_with("GET", part, &[("accept-encoding", "gzip")], b"");
        assert_eq!((file.status, file.header("content-encoding")), (200, "gzip"), "{part}");
        assert!(file.header("cache-control").contains("immutable"), "{part}");
        whole += file.bytes.len();
    }
    assert!(whole < 500_000, "the app has {whole} bytes");
    let brotli = server.send_with("GET", wasm, &[("accept-encoding", "gzip, br")], b"");
    assert_eq!(
        (brotli.header("content-encoding"), brotli.header("content-type")),
        ("br", "application/wasm")
    );
    for (path, status) in [("/assets/none.js", 404), ("/api/none", 404), ("/licenses/x", 200)] {
        assert_eq!(server.send_with("GET", path, &[], b"").status, status, "{path}");
    }
    assert_eq!(server.send_with("POST", "/licenses", &[], b"{}").status, 404);
}
