//! Backups that lie in a bucket, and such as are tried on another server than their own.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use licet_test_support::Server;
use serde_json::json;

use super::{Said, backup, empty, live, run, text};
use crate::{new_database, tools::tool};

const KEY: (&str, &str) = ("key-of-the-tests", "secret-of-the-tests");

/// `rclone serve s3`: each folder below its own is a bucket.
struct S3 {
    process: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl S3 {
    /// `None` where rclone is not installed.
    fn start() -> Option<Self> {
        let program = tool("LICET_PYTHON_BIN", "rclone")?;
        if !program.exists() {
            eprintln!("SKIPPED: there is no rclone; ./dev test installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("backups")).unwrap();
        let mut process = Command::new(program)
            .args(["serve", "s3", "--addr", "127.0.0.1:0", "--config", "/dev/null"])
            .args(["--auth-key", &format!("{},{}", KEY.0, KEY.1)])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line = line.ok()?;
            Some(line.split_once("[http")?.1.trim_end_matches("/]").to_owned())
        });
        let url = format!("http{}", url.expect("rclone says where it listens"));
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, url, folder })
    }

    fn settings(&self) -> [(&str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", KEY.0),
            ("AWS_SECRET_ACCESS_KEY", KEY.1),
        ]
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_bucket_keeps_backups_as_a_folder_does() {
    let Some(s3) = S3::start() else { return };
    let (database, store) = (new_database(), Path::new("s3://backups/licet/one"));
    let server = Server::start(&database.url);
    let (customer, key) = live(&server);
    let at = |database, arguments: &[&str]| -> Said {
        let arguments: Vec<&str> = ["backup"].iter().chain(arguments).copied().collect();
        run(database, store, &s3.settings(), &arguments)
    };
    let first = at(&database, &["create"]);
    assert!(first.success, "{}", first.error);
    server.activate(&key, 2);
    let second = at(&database, &["create"]);
    assert!(second.success, "{}", second.error);
    assert!(s3.folder.path().join("backups/licet/one/licet-backups.json").exists());
    let listed = at(&database, &["list"]);
    assert_eq!(listed.json.as_array().map(Vec::len), Some(2), "{}", listed.error);
    assert!(at(&database, &["verify", "--files-only"]).success);

    let forget = format!("/api/admin/customers/{customer}/forget");
    assert_eq!(server.send("POST", &forget, &json!({})).status, 200);
    assert!(at(&database, &["create"]).success);
    let target = empty();
    let restored = at(&target, &["restore", second.json["id"].as_str().unwrap()]);
    assert!(restored.success, "{}", restored.error);
    assert_eq!(restored.json["forgotten_again"], 1, "the ledger lies in the bucket too");
    let pruned = at(
        &database,
        &["prune", "--backup-keep-last", "1", "--backup-keep-days", "0"],
    );
    assert_eq!(
        pruned.json["deleted"].as_array().map(Vec::len),
        Some(2),
        "{}",
        pruned.error
    );
    assert!(at(&database, &["verify", "--files-only"]).success);
}

#[test]
fn a_bucket_that_does_not_open_is_said_to_be_so() {
    let Some(s3) = S3::start() else { return };
    let database = new_database();
    let mut settings = HashMap::from(s3.settings());
    settings.insert("AWS_SECRET_ACCESS_KEY", "another");
    let settings: Vec<_> = settings.into_iter().collect();
    let refused = run(&database, Path::new("s3://backups"), &settings, &["backup", "create"]);
    assert!(
        !refused.success && refused.error.contains("store of backups"),
        "{}",
        refused.error
    );
    let missing = run(
        &database,
        Path::new("s3://missing"),
        &s3.settings(),
        &["backup", "create"],
    );
    assert!(!missing.success, "{}", missing.json);
    assert_eq!(
        text(&database, "SELECT count(*)::text FROM backup_runs WHERE error IS NULL"),
        "0"
    );
    let unknown = run(&database, Path::new("gs://backups"), &[], &["backup", "list"]);
    assert!(!unknown.success);
}

#[test]
fn a_backup_is_tried_on_another_server_and_nothing_of_it_stays_there() {
    let (database, store) = (new_database(), tempfile::tempdir().unwrap());
    let server = Server::start(&database.url);
    live(&server);
    assert!(backup(&database, store.path(), &["create"]).success);
    let left = "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'licet-verify-%'";
    // What somebody who was killed has left.
    let begun = "CREATE DATABASE \"licet-verify-left\"";
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(database.execute(begun));
    let settings = [("BACKUP_VERIFY_DATABASE", database.url.as_str())];
    let verified = run(&database, store.path(), &settings, &["backup", "verify"]);
    assert!(verified.success, "{} {}", verified.error, verified.json);
    let models = verified.json["read_models"].as_array().unwrap();
    assert!(models.len() > 5 && models.iter().all(|one| one["differences"] == json!([])));
    assert_eq!(text(&database, left), "0");
    let noted = "SELECT string_agg(kind || ' ' || (error IS NULL), ', ' ORDER BY started_at) FROM backup_runs";
    assert_eq!(text(&database, noted), "create true, verify true");
}
