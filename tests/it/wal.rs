//! The copy of an embedded server's write-ahead log, and servers that are made again from it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use licet_test_support::{SECRET, Server, eventually, licet, reachable_folder};
use serde_json::{Value, json};

/// A disk that is lost, and another one.
struct Disks {
    folder: tempfile::TempDir,
}

impl Disks {
    fn new() -> Self {
        let disks = Self {
            folder: reachable_folder(),
        };
        fs::create_dir(disks.copy()).unwrap();
        disks
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn copy(&self) -> PathBuf {
        self.at("copy")
    }

    fn start(&self, name: &str, options: &[&str]) -> Server {
        let settings = [("SECRET_KEY", SECRET), ("JWT_SECRET", SECRET)];
        Server::start_embedded_with(&self.at(name), "127.0.0.1:0", &settings, options)
    }

    fn start_copied(&self, name: &str) -> Server {
        let server = self.start(name, &["--wal-dir", self.copy().to_str().unwrap()]);
        assert!(eventually(|| is_copied(&server)), "the log is copied");
        server
    }

    /// `licet … --embedded --data-dir`.
    fn command(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = licet("");
        command.env_remove("DATABASE_URL").args(arguments);
        command.args(["--json", "--embedded", "--data-dir"]).arg(self.at(name));
        command.output().unwrap()
    }

    fn recover(&self, name: &str, more: &[&str]) -> Result<Value, String> {
        let copy = self.copy();
        let arguments = [&["backup", "recover", "--wal-dir", copy.to_str().unwrap()], more].concat();
        let done = self.command(name, &arguments);
        if !done.status.success() {
            return Err(said(&done).1);
        }
        Ok(serde_json::from_slice(&done.stdout).unwrap())
    }

    fn head(&self, name: &str) -> Value {
        let done = self.command(name, &["db", "-c", "SELECT position, log_id FROM log_head"]);
        let rows: Value = serde_json::from_slice(&done.stdout).unwrap();
        rows[0].clone()
    }

    /// The server, its Postgres and the disk under them.
    fn lose(&self, name: &str, server: Server) {
        let pid_file = self.at(name).join("postgres/postmaster.pid");
        let postmaster = fs::read_to_string(pid_file).unwrap();
        server.kill();
        signal("-KILL", postmaster.lines().next().unwrap());
        while fs::remove_dir_all(self.at(name)).is_err() || self.at(name).exists() {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether a command succeeded, and its words.
fn said(output: &Output) -> (bool, String) {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&all).into_owned())
}

/// Everything that is recorded is in the copy. Figures are kept for a moment.
fn is_copied(server: &Server) -> bool {
    thread::sleep(Duration::from_millis(1_100));
    (
        figure(server, "licet_wal_copy_running"),
        figure(server, "licet_wal_copy_behind_bytes"),
    ) == (Some(1), Some(0))
}

fn figure(server: &Server, name: &str) -> Option<i64> {
    let metrics = String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap();
    let line = metrics.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn signal(signal: &str, pid: &str) {
    Command::new("kill").args([signal, pid]).status().unwrap();
}

#[test]
fn a_lost_disk_costs_nothing_that_was_copied() {
    let disks = Disks::new();
    let server = disks.start_copied("first");
    let (_, key) = server.issue("studio", &json!({ "seats": 50 }));
    for machine in 1..=20 {
        assert_eq!(server.activate(&key, machine).status, 201);
    }
    assert!(eventually(|| is_copied(&server)));
    let head = disks.head("first");
    disks.lose("first", server);

    let recovered = disks.recover("second", &[]).unwrap();
    assert_eq!(recovered["position"].to_string(), head["position"].as_str().unwrap());
    // Nothing is written over.
    let refused = disks.recover("second", &[]).unwrap_err();
    assert!(refused.contains("has a database already"), "{refused}");
    let server = disks.start_copied("second");
    for machine in 1..=20 {
        assert_eq!(server.verify(&key, machine).code(), "VALID", "machine {machine}");
    }
    assert_eq!(server.activate(&key, 21).status, 201);
    assert_ne!(recovered["log_id"], head["log_id"], "positions are given out again");
    assert_eq!(disks.head("second")["log_id"], recovered["log_id"]);
    for what in [["audit", "verify"], ["projections", "verify"]] {
        let done = disks.command("second", &what);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    // What was copied of the first is kept aside, and the second is copied in its place.
    let aside = fs::read_dir(disks.copy()).unwrap().flatten();
    assert_eq!(
        aside
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("before-"))
            .count(),
        1
    );
    assert!(eventually(|| is_copied(&server)));
    disks.lose("second", server);
    disks.recover("third", &[]).unwrap();
    let server = disks.start("third", &[]);
    assert_eq!(server.verify(&key, 21).code(), "VALID");
    assert!(server.terminate());
}

#[test]
fn a_server_is_made_again_as_of_any_moment() {
    let disks = Disks::new();
    let server = disks.start_copied("first");
    let product = |code: &str| {
        server.create("/api/admin/products", &json!({ "code": code, "name": code }));
        thread::sleep(Duration::from_millis(1_100));
    };
    product("before");
    let moment = licet_event_store::Edge::system().now().to_string();
    thread::sleep(Duration::from_millis(1_100));
    product("after");
    assert!(eventually(|| is_copied(&server)));
    let codes = |server: &Server| {
        let page = server.get("/api/admin/products").body.to_string();
        ["before", "after"].map(|code| page.contains(&format!(r#""code":"{code}""#)))
    };
    disks.recover("then", &["--to-time", &moment]).unwrap();
    let then = disks.start("then", &[]);
    assert_eq!(codes(&then), [true, false], "{moment}");
    assert!(then.terminate());
    // Beside the server that goes on.
    disks.recover("now", &[]).unwrap();
    let now = disks.start("now", &[]);
    assert_eq!(codes(&now), [true, true]);
    assert!(now.terminate());

    let refused = disks
        .recover("never", &["--to-time", "2020-01-01T00:00:00Z"])
        .unwrap_err();
    assert!(refused.contains("lies before the first copy that is kept"), "{refused}");
    let refused = disks
        .recover("never", &["--to-time", "2999-01-01T00:00:00Z"])
        .unwrap_err();
    assert!(refused.contains("without --to-time"), "{refused}");
    assert!(!disks.at("never/postgres").exists());
    disks.recover("never", &[]).unwrap();
    assert!(server.terminate());

    // Whoever was made again as of a moment is made again whole, once more.
    let then = disks.start_copied("then");
    then.create("/api/admin/products", &json!({ "code": "after", "name": "after" }));
    assert!(eventually(|| is_copied(&then)));
    disks.lose("then", then);
    disks.recover("last", &[]).unwrap();
    let last = disks.start("last", &[]);
    assert_eq!(codes(&last), [true, true]);
    assert!(last.terminate());
}

#[test]
fn what_is_missing_of_the_copy_is_not_taken_for_its_end() {
    let disks = Disks::new();
    let server = disks.start_copied("first");
    for code in ["one", "two", "three"] {
        server.create("/api/admin/products", &json!({ "code": code, "name": code }));
        let switched = disks.command("first", &["db", "-c", "SELECT pg_switch_wal()"]);
        assert!(switched.status.success(), "{}", said(&switched).1);
    }
    server.create("/api/admin/products", &json!({ "code": "four", "name": "four" }));
    assert!(eventually(|| is_copied(&server)));
    // One that goes on beside it has a folder of its own.
    disks.recover("beside", &[]).unwrap();
    let beside = disks.start("beside", &["--wal-dir", disks.copy().to_str().unwrap()]);
    assert!(eventually(|| figure(&beside, "licet_wal_copy_running") == Some(0)));
    assert!(is_copied(&server), "it is left alone");
    assert!(beside.terminate());
    assert!(server.terminate());
    let wal = disks.copy().join("wal");
    let files = fs::read_dir(&wal).unwrap().flatten();
    let mut names: Vec<PathBuf> = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_none())
        .collect();
    names.sort();
    let last = names.last().unwrap();

    let (all, none) = (fs::Permissions::from_mode(0o600), fs::Permissions::from_mode(0o000));
    fs::set_permissions(last, none).unwrap();
    let refused = disks.recover("second", &[]).unwrap_err();
    assert!(
        refused.contains("ermission denied") || refused.contains("restore"),
        "{refused}"
    );
    fs::set_permissions(last, all).unwrap();
    let middle = &names[names.len() - 2];
    fs::rename(middle, disks.at("kept")).unwrap();
    let refused = disks.recover("second", &[]).unwrap_err();
    assert!(refused.contains("of the copied log is missing"), "{refused}");
    fs::rename(disks.at("kept"), middle).unwrap();
    let mut command = licet("");
    command
        .env_remove("DATABASE_URL")
        .env("SECRET_KEY", "9c2f1e0d7b6a59483726150493827160");
    command.args(["backup", "recover", "--wal-dir"]).arg(disks.copy());
    command.arg("--embedded").arg("--data-dir").arg(disks.at("second"));
    let (recovered, words) = said(&command.output().unwrap());
    assert!(!recovered && words.contains("SECRET_KEY"), "{words}");
    assert!(!disks.at("second/secret_key").exists());
    // No server takes what was cut off for a folder in which it begins.
    let (started, words) = said(&disks.command("second", &["serve", "--listen", "127.0.0.1:0"]));
    assert!(!started && words.contains("was cut off"), "{words}");
    assert!(!disks.at("second/postgres").exists());
    disks.recover("second", &[]).unwrap();
    let second = disks.start("second", &[]);
    assert!(second.get("/api/admin/products").body.to_string().contains("four"));
    assert!(second.terminate());
}

#[test]
fn a_copy_goes_on_after_whatever_ends_it() {
    let disks = Disks::new();
    let server = disks.start_copied("first");
    let receiver = || {
        let pattern = format!("pg_receivewal.*{}", disks.copy().display());
        let found = Command::new("pgrep").args(["--full", &pattern]).output().unwrap();
        String::from_utf8(found.stdout)
            .unwrap()
            .lines()
            .next()
            .map(str::to_owned)
    };
    let killed = receiver().unwrap();
    signal("-KILL", &killed);
    assert!(eventually(|| receiver().is_some_and(|pid| pid != killed)));
    server.create("/api/admin/products", &json!({ "code": "one", "name": "One" }));
    assert!(eventually(|| is_copied(&server)));
    // With the server it ends, and nothing is missing.
    assert!(server.terminate());
    assert!(eventually(|| receiver().is_none()), "nobody is left behind");
    let server = disks.start_copied("first");
    // A server that is killed leaves it behind; the next one takes over.
    server.kill();
    let server = disks.start_copied("first");
    server.create("/api/admin/products", &json!({ "code": "two", "name": "Two" }));
    assert!(eventually(|| is_copied(&server)));
    assert!(server.terminate());

    // A volume that is not mounted, and one of another database.
    let elsewhere = disks.at("elsewhere");
    fs::rename(disks.copy(), &elsewhere).unwrap();
    fs::create_dir(disks.copy()).unwrap();
    let copied_to = ["--wal-dir", disks.copy().to_str().unwrap()].map(str::to_owned);
    let options: Vec<&str> = copied_to.iter().map(String::as_str).collect();
    let server = disks.start("first", &options);
    assert_eq!(server.get("/readyz").status, 200);
    assert!(eventually(|| figure(&server, "licet_wal_copy_running") == Some(0)));
    assert_eq!(
        fs::read_dir(disks.copy()).unwrap().count(),
        0,
        "nothing is written beside the volume"
    );
    assert!(server.terminate());
    fs::remove_dir(disks.copy()).unwrap();
    fs::rename(&elsewhere, disks.copy()).unwrap();
    let other = disks.start("other", &options);
    assert!(eventually(|| figure(&other, "licet_wal_copy_running") == Some(0)));
    assert!(other.terminate());
    let server = disks.start_copied("first");
    assert!(server.terminate());
}

#[test]
fn what_cannot_be_copied_or_recovered_is_said_at_once() {
    let disks = Disks::new();
    let missing = disks.at("missing");
    let (started, error) = said(&disks.command("first", &["serve", "--wal-dir", missing.to_str().unwrap()]));
    assert!(!started && error.contains("is no folder"), "{error}");
    assert!(
        !Path::new(&disks.at("first").join("postgres")).exists(),
        "nothing was made"
    );
    let (recovered, error) =
        said(&disks.command("first", &["backup", "recover", "--wal-dir", missing.to_str().unwrap()]));
    assert!(!recovered && error.contains("holds no copy"), "{error}");
    let mut command = licet("postgres://127.0.0.1:1/licet");
    let (started, error) = said(&command.args(["serve", "--wal-dir", "/tmp"]).output().unwrap());
    assert!(!started && error.contains("--embedded"), "{error}");
}
