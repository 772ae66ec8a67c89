//! What lies in the folder of a copied log.
//!
//! | name | what it is |
//! | --- | --- |
//! | `licet-wal.json` | whose log it is |
//! | `wal/` | the log, as `pg_receivewal` writes it |
//! | `bases/TIME/` | the cluster as it was then (UTC), as `pg_basebackup` writes it |
//! | `postgres.password` | the password of the cluster, which copies have too |
//! | `before-TIME/` | all of that, of before a recovery |
//! | `lock` | held by the server that copies |

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use licet_domain::values::Timestamp;

use super::WalError;
use crate::embedded::{access::Access, cluster::write_secret};

/// Says whose log it is.
pub(in crate::embedded) const MARK: &str = "licet-wal.json";
pub(in crate::embedded) const PASSWORD: &str = "postgres.password";
/// Copies of the whole cluster that are not whole begin so.
pub(super) const UNFINISHED: &str = "unfinished-";
/// So many copies of the whole cluster are kept, and the log from the first of them on.
const BASES: usize = 2;
/// How large each file of the log is.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Makes sure that no other server copies there, for as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, WalError> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(WalError::Folder(format!(
            "another server copies its log to {}: give each a folder of its own",
            folder.display()
        ))),
    }
}

/// Makes the folder ready; what is there of before is set aside. What is marked has all of it.
pub(super) fn prepare(folder: &Path, access: &Access, mark: &str, now: Timestamp) -> Result<(), WalError> {
    let aside = folder.join(format!("before-{}", base_name(now)));
    for part in [MARK, "wal", "bases", PASSWORD] {
        let path = folder.join(part);
        if path.exists() {
            fs::create_dir_all(&aside).map_err(at(&aside))?;
            fs::rename(&path, aside.join(part)).map_err(at(&path))?;
        }
    }
    for part in ["wal", "bases"] {
        let path = folder.join(part);
        fs::create_dir(&path).map_err(at(&path))?;
        access.give(&path).map_err(at(&path))?;
    }
    write_secret(&folder.join(PASSWORD), &access.password)?;
    // At once, and on the disk: half a mark would be another database's.
    let (mark_file, new) = (folder.join(MARK), folder.join("mark.new"));
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(mark.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &mark_file)?;
        File::open(folder)?.sync_all()
    });
    written.map_err(at(&mark_file))
}

/// Names of the copies of the whole cluster, oldest first.
pub(in crate::embedded) fn bases(folder: &Path) -> Result<Vec<String>, WalError> {
    let mut names = names(&folder.join("bases"))?;
    names.retain(|name| name.starts_with(|first: char| first.is_ascii_digit()));
    Ok(names)
}

/// What a copy is called that was whole at this moment; later ones sort behind.
pub(in crate::embedded) fn base_name(time: Timestamp) -> String {
    time.to_string().replace(':', "-")
}

/// Names of the files of the log, in its order; the last one may not be full yet.
pub(in crate::embedded) fn segments(folder: &Path) -> Result<Vec<String>, WalError> {
    let names = names(&folder.join("wal"))?.into_iter();
    let mut segments: Vec<String> = names.map(|name| name.trim_end_matches(".partial").to_owned()).collect();
    segments.retain(|name| name.len() == 24 && name.chars().all(|one| one.is_ascii_hexdigit()));
    segments.dedup();
    Ok(segments)
}

/// The file of the log with which a copy of the whole cluster begins.
pub(in crate::embedded) fn first_segment(base: &Path) -> Result<String, WalError> {
    let label = base.join("backup_label");
    let text = fs::read_to_string(&label).map_err(at(&label))?;
    let named = text.split("(file ").nth(1).and_then(|rest| rest.split(')').next());
    let named = named.map(str::to_owned);
    named.ok_or_else(|| WalError::Folder(format!("{} names no file of the log", label.display())))
}

/// A full disk leaves a file that is too short, which `pg_receivewal` does not go on with; it fetches it anew.
pub(super) fn drop_short_files(folder: &Path) -> Result<(), WalError> {
    let wal = folder.join("wal");
    for name in names(&wal)?.iter().filter(|name| name.ends_with(".partial")) {
        let path = wal.join(name);
        if fs::metadata(&path).map_err(at(&path))?.len() != SEGMENT_BYTES {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Deletes copies of the cluster that are not whole.
pub(super) fn drop_unfinished(folder: &Path) -> Result<(), WalError> {
    let bases = folder.join("bases");
    for name in names(&bases)?.iter().filter(|name| name.starts_with(UNFINISHED)) {
        let path = bases.join(name);
        fs::remove_dir_all(&path).map_err(at(&path))?;
    }
    Ok(())
}

/// Deletes what no copy of the cluster that is kept needs.
pub(super) fn prune(folder: &Path) -> Result<(), WalError> {
    let mut all = bases(folder)?;
    let kept = all.split_off(all.len().saturating_sub(BASES));
    for name in all {
        let path = folder.join("bases").join(name);
        fs::remove_dir_all(&path).map_err(at(&path))?;
    }
    let Some(oldest) = kept.first() else { return Ok(()) };
    let first = first_segment(&folder.join("bases").join(oldest))?;
    for name in segments(folder)?.into_iter().filter(|name| *name < first) {
        let path = folder.join("wal").join(name);
        fs::remove_file(&path).map_err(at(&path))?;
    }
    Ok(())
}

pub(in crate::embedded) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> WalError + use<> {
    let path: PathBuf = path.to_owned();
    move |error| WalError::File(path, error)
}

fn names(folder: &Path) -> Result<Vec<String>, WalError> {
    let found = fs::read_dir(folder).map_err(at(folder))?.flatten();
    let mut names: Vec<String> = found
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}
