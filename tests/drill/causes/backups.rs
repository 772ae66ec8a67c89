//! Backups that stop, and a copy of the write-ahead log that does.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use licet_test_support::{Server, eventually, licet};

use crate::{outage::Outage, scene::kill};

/// A folder that Postgres's user gets into.
fn folder(outage: &Outage, name: &str) -> PathBuf {
    let folder = outage.scene.folder.path().join(name);
    fs::create_dir(&folder).unwrap();
    for path in [outage.scene.folder.path(), &folder] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// The volume of the backups is no longer mounted, and hours pass.
pub(super) fn backups_stop(outage: &mut Outage) {
    let store = folder(outage, "backups");
    let away = store.with_extension("away");
    outage.scene.stop_server();
    for (name, value) in [
        ("BACKUP_STORE", store.to_str().unwrap()),
        ("BACKUP_EVERY_HOURS", "1"),
        ("BACKUP_VERIFY_EVERY_HOURS", "1"),
    ] {
        outage.scene.with(name, value);
    }
    outage.scene.start_server();
    let tried = || {
        let query = "licet_backup_age_seconds{kind=\"verify\"} < 600";
        !outage.scene.monitoring.query(query).is_empty()
    };
    assert!(eventually(tried), "a backup is made and tried");
    fs::rename(&store, &away).unwrap();
    outage.scene.sql(
        "UPDATE backup_runs SET started_at = started_at - interval '3 hours', finished_at = finished_at - interval '3 hours'",
    );
    let alerts = ["BackupTooOld", "BackupDoubtful"];
    outage.expect("the volume of the backups is gone", &alerts, (), |outage, ()| {
        fs::rename(&away, &store).unwrap();
        for what in ["create", "verify"] {
            let mut command = licet(&outage.scene.url);
            let done = command.args(["backup", what]).env("BACKUP_STORE", &store).status();
            assert!(done.unwrap().success(), "{what}");
        }
    });
}

/// The disk to which an embedded server copies its log is gone.
pub(super) fn copy_stops(outage: &mut Outage) {
    let (copy, data) = (folder(outage, "copy"), outage.scene.folder.path().join("embedded"));
    let away = copy.with_extension("away");
    let server = Server::start_embedded_with(&data, "127.0.0.1:0", &[], &["--wal-dir", copy.to_str().unwrap()]);
    let mut targets = outage.scene.targets.clone();
    targets.licet.push(server.url.clone());
    outage.scene.monitoring.watch(&targets);
    let running = |outage: &Outage| !outage.scene.monitoring.query("licet_wal_copy_running == 1").is_empty();
    assert!(eventually(|| running(outage)), "the log is copied");
    fs::rename(&copy, &away).unwrap();
    let pattern = format!("pg_receivewal.*{}", copy.display());
    let found = Command::new("pgrep").args(["--full", &pattern]).output().unwrap();
    for pid in String::from_utf8(found.stdout).unwrap().lines() {
        kill("-KILL", pid);
    }
    outage.expect("the disk of the copied log is gone", &["WalCopyBehind"], (), |_, ()| {
        fs::rename(&away, &copy).unwrap();
    });
    outage.scene.monitoring.watch(&outage.scene.targets);
    assert!(server.terminate(), "it ends in order");
}
