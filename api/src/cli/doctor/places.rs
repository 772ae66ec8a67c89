//! Where files go: whether that is there, can be written to and has room; and what lies there of backups.

use std::path::Path;

use licet_event_store::{
    backup::{self, RunKind, ScratchPlace},
    embedded::Cluster,
};
use licet_workers::backup::BackupSettings;

use super::Finding;
use crate::cli::{
    Location,
    database::{self, Database},
    serve,
};

/// Below so many free bytes, or so many of a hundred, a disk is full tomorrow.
const LEAST: u64 = 1 << 30;
const SCARCE_PERCENT: u64 = 10;

pub(super) fn look(location: &Location) -> Vec<Finding> {
    let mut found = vec![room("temporary", &std::env::temp_dir())];
    if location.embedded && location.data_dir.exists() {
        found.push(room("data", &location.data_dir));
    }
    found.push(match location.archive() {
        None => Finding::ok(
            "archive",
            "no ARCHIVE_DIR: every month of the log stays in the database",
        ),
        Some(folder) if !folder.exists() && location.embedded => Finding::ok("archive", "made at the first start"),
        Some(folder) => writable("archive", &folder),
    });
    found
}

/// Whether a folder is there, takes files and has room.
fn writable(check: &'static str, folder: &Path) -> Finding {
    if !folder.is_dir() {
        let advice = "mount its volume, or make it";
        return Finding::problem(check, format!("the folder {} is not there", folder.display()), advice);
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => room(check, folder),
        Err(error) => {
            let detail = format!("{} cannot be written to: {error}", folder.display());
            Finding::problem(check, detail, "give it to the user that runs the server")
        }
    }
}

fn room(check: &'static str, folder: &Path) -> Finding {
    let disk = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => {
            let detail = format!("{} cannot be looked at: {error}", folder.display());
            return Finding::problem(check, detail, "see that it is there, and may be entered");
        }
    };
    let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    let percent = free.saturating_mul(100) / all.max(1);
    let detail = format!("{} has {} MB free, {percent} %", folder.display(), free / 1_000_000);
    judge(check, (free, percent), detail)
}

fn judge(check: &'static str, (free, percent): (u64, u64), detail: String) -> Finding {
    let advice = "make room: a database whose disk is full takes nothing more";
    match (free, percent) {
        (free, _) if free < LEAST => Finding::problem(check, detail, advice),
        (_, percent) if percent < SCARCE_PERCENT => Finding::warning(check, detail, advice),
        _ => Finding::ok(check, detail),
    }
}

/// Backups: the store, and how old the newest and its last trial are.
pub(super) async fn backups(
    location: &Location,
    options: &serve::Options,
    secret_key: Option<&str>,
    database: Option<&Database>,
    found: &mut Vec<Finding>,
) {
    const CHECK: &str = "backups";
    // Without the secret, nothing could be said of what lies there.
    let Some(secret_key) = secret_key else { return };
    let settings = match options.backups().settings(location, secret_key) {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            let advice = "set BACKUP_STORE to a folder or bucket on another machine (docs/BACKUP.md)";
            return found.push(Finding::warning(CHECK, "none are made", advice));
        }
        Err(error) => {
            let advice = "put that right: a server does not start so";
            return found.push(Finding::problem(CHECK, format!("{error:#}"), advice));
        }
    };
    found.push(store(&settings).await);
    if settings.schedule.is_none() {
        let advice = "set BACKUP_STORE to a folder or bucket on another machine (docs/BACKUP.md)";
        found.push(Finding::warning(
            CHECK,
            "they are made by hand alone, beside the data",
            advice,
        ));
    }
    if settings.place == ScratchPlace::Cluster && !Cluster::can_start() {
        let advice = "install PostgreSQL's server programs, or set BACKUP_VERIFY_DATABASE";
        found.push(Finding::warning(
            CHECK,
            "they cannot be restored for trial here",
            advice,
        ));
    }
    if let Some(database) = database {
        found.extend(runs(location, database, &settings).await);
    }
}

async fn store(settings: &BackupSettings) -> Finding {
    let listed = async { settings.store()?.list(&settings.keys).await };
    match listed.await {
        Err(error) => Finding::problem("backups", error.to_string(), "docs/BACKUP.md, Set it up"),
        Ok(all) => match all.iter().find_map(|one| one.as_ref().err()) {
            Some(fault) => Finding::problem(
                "backups",
                fault.to_string(),
                "make a new one, and find out who changed it",
            ),
            None => Finding::ok("backups", format!("{} in {}", all.len(), settings.location)),
        },
    }
}

/// What became of the newest that were due.
async fn runs(location: &Location, database: &Database, settings: &BackupSettings) -> Vec<Finding> {
    let Ok((log, tasks)) = database::open_log(location, database).await else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (kind, every) in settings.runs() {
        let what = match kind {
            RunKind::Create => "the newest was made",
            _ => "the newest that was restored for trial and held was tried",
        };
        let Ok(last) = backup::last(log.pool(), kind).await else {
            continue;
        };
        let late = last.succeeded.is_none_or(|age| age > every.as_secs_f64() * 2.0);
        let age = last.succeeded.map_or_else(
            || format!("{what}: never"),
            |age| format!("{what} {:.1} hours ago", age / 3600.0),
        );
        found.push(match last.error {
            Some(error) => Finding::problem(
                "backups",
                format!("{age}; the last failed: {error}"),
                "docs/RUNBOOK.md, BackupTooOld",
            ),
            None if late => Finding::warning("backups", age, "see that a server with the role worker runs"),
            None => Finding::ok("backups", age),
        });
    }
    drop(log);
    tasks.finish().await;
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Status;

    #[test]
    fn a_disk_is_full_before_it_is_full() {
        let of = |free, percent| judge("data", (free, percent), String::new()).status;
        assert_eq!(of(50 << 30, 40), Status::Ok);
        assert_eq!(of(50 << 30, 9), Status::Warning);
        assert_eq!(of(1 << 20, 50), Status::Problem);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_from_one_that_is_full() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(writable("archive", &folder.path().join("gone")).status, Status::Problem);
        assert_ne!(writable("archive", folder.path()).status, Status::Problem);
    }
}
