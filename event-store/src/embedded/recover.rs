//! Makes a private Postgres again of the copies of it and of its write-ahead log, as of any moment that they reach.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use licet_domain::values::Timestamp;

use super::{
    Cluster, ClusterOptions,
    access::expect_way,
    binaries,
    cluster::{FOLDER, make_reachable},
    owner,
    wal::{MARK, PASSWORD, WalError, at, base_name, bases, first_segment, segments},
};
use crate::Edge;

/// Where it is made, within the data folder: what was cut off is never taken for a database.
pub(super) const WORK: &str = "recovery";
const SETTINGS: &str = "postgresql.auto.conf";

/// A cluster that has read its log again, and does not stand in its place yet.
#[derive(Debug)]
pub struct Recovery {
    cluster: Cluster,
    data_dir: PathBuf,
    /// What its settings were, and are again once it is through.
    settings: String,
}

impl Recovery {
    /// Makes it within a data folder that has no cluster: with everything that was copied, or with what was recorded until a
    /// moment. Blocks for as long as reading the log takes.
    pub fn begin(copy: &Path, data_dir: &Path, until: Option<Timestamp>, edge: &Edge) -> Result<Self, WalError> {
        if !copy.join(MARK).exists() {
            return Err(WalError::Folder(format!(
                "{} holds no copy of a write-ahead log: name the folder that --wal-dir named",
                copy.display()
            )));
        }
        if Cluster::is_made(data_dir) {
            return Err(WalError::Folder(format!(
                "{} has a database already, and nothing is written over: name another folder with --data-dir",
                data_dir.display()
            )));
        }
        let base = choose(copy, until)?;
        expect_whole(copy, &base)?;
        expect_way(owner::needed().as_ref(), &copy.join("wal"))?;
        make_reachable(data_dir).map_err(at(data_dir))?;
        let work = data_dir.join(WORK);
        clear(&work)?;
        make_reachable(&work).map_err(at(&work))?;
        let folder = work.join(FOLDER);
        duplicate(&base, &folder)?;
        let password = work.join("postgres.password");
        fs::copy(copy.join(PASSWORD), &password).map_err(at(&password))?;
        let (wal, linked) = (copy.join("wal"), work.join("wal"));
        let wal = wal.canonicalize().map_err(at(&wal))?;
        symlink(&wal, &linked).map_err(at(&linked))?;
        let settings = tell(&folder, until)?;
        let options = ClusterOptions::default();
        let cluster = Cluster::start(&work, &options, edge).map_err(|error| explain(error, &folder))?;
        Ok(Self {
            cluster,
            data_dir: data_dir.to_owned(),
            settings,
        })
    }

    /// Where to connect, while it is not in its place.
    pub fn url(&self) -> String {
        self.cluster.url()
    }

    /// Puts it in its place.
    pub fn complete(self) -> Result<(), WalError> {
        let work = self.data_dir.join(WORK);
        // However long it writes.
        self.cluster.stop("3600")?;
        let settings = work.join(FOLDER).join(SETTINGS);
        fs::write(&settings, self.settings).map_err(at(&settings))?;
        for name in ["postgres.password", FOLDER] {
            let place = self.data_dir.join(name);
            fs::rename(work.join(name), &place).map_err(at(&place))?;
        }
        // Before what would tell that it was cut off goes.
        let synced = File::open(&self.data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(at(&self.data_dir))?;
        fs::remove_dir_all(&work).map_err(at(&work))
    }
}

/// The newest copy of the cluster that is older than the moment.
fn choose(copy: &Path, until: Option<Timestamp>) -> Result<PathBuf, WalError> {
    let all = bases(copy)?;
    let reaches = |name: &&String| until.is_none_or(|until| **name <= base_name(until));
    match (all.iter().rfind(reaches), all.first(), until) {
        (Some(name), ..) => Ok(copy.join("bases").join(name)),
        (None, Some(first), Some(until)) => Err(WalError::Folder(format!(
            "{until} lies before the first copy that is kept ({first}, UTC)"
        ))),
        _ => Err(WalError::Folder(format!(
            "{} has no copy of the cluster yet",
            copy.display()
        ))),
    }
}

/// Nothing is missing between the copy of the cluster and the end of its log.
fn expect_whole(copy: &Path, base: &Path) -> Result<(), WalError> {
    let first = first_segment(base)?;
    let names = segments(copy)?;
    let later: Vec<u64> = names
        .iter()
        .filter(|name| **name >= first)
        .filter_map(|name| number(name))
        .collect();
    let gap = later.windows(2).find(|pair| pair[1] != pair[0] + 1);
    match (gap, number(&first)) {
        (None, begins) if later.is_empty() || later.first().copied() == begins => Ok(()),
        (Some(pair), _) => Err(WalError::Folder(format!(
            "{} of the copied log is missing: what comes after it cannot be recovered",
            segment_after(pair[0])
        ))),
        (None, _) => Err(WalError::Folder(format!(
            "{first} of the copied log is missing, with which the copy of the cluster begins"
        ))),
    }
}

/// The how manieth file of the log this is: 256 files of 16 MB have one number in the middle of their names.
fn number(name: &str) -> Option<u64> {
    let part = |range| u64::from_str_radix(name.get(range)?, 16).ok();
    Some(part(8..16)? * 256 + part(16..24)?)
}

fn segment_after(number: u64) -> String {
    let next = number + 1;
    format!("{:08X}{:08X}", next / 256, next % 256)
}

/// Takes away what an earlier try has left, which may run.
fn clear(work: &Path) -> Result<(), WalError> {
    if work.join(FOLDER).exists()
        && let Some(bin) = binaries::find()
    {
        let mut stop = Command::new(bin.join("pg_ctl"));
        stop.args(["stop", "-m", "immediate", "-D", FOLDER]).current_dir(work);
        if let Some(owner) = owner::needed() {
            owner.applied_to(&mut stop);
        }
        let _ = stop.output();
    }
    match fs::remove_dir_all(work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(work)(error)),
        _ => Ok(()),
    }
}

/// Copies a whole cluster, and gives it to whom Postgres runs as here.
fn duplicate(base: &Path, folder: &Path) -> Result<(), WalError> {
    let run = |command: &mut Command| {
        let done = command.output().map_err(at(folder))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        done.status.success().then_some(()).ok_or(WalError::Folder(said))
    };
    run(Command::new("cp").arg("--archive").arg(base).arg(folder))?;
    match owner::needed() {
        Some(owner) => run(Command::new("chown").arg("--recursive").arg(&owner.name).arg(folder)),
        None => Ok(()),
    }
}

/// Says where the log is, and up to where it is read; answers what the settings were. The last file is one that was not full yet.
fn tell(folder: &Path, until: Option<Timestamp>) -> Result<String, WalError> {
    let settings = folder.join(SETTINGS);
    let before = fs::read_to_string(&settings).map_err(at(&settings))?;
    // `Z` is an abbreviation, and none is known when this is read. Said outright: the copy may have been one's that was
    // recovered before.
    let until = until
        .map(|until| until.to_string().replace('Z', "+00"))
        .unwrap_or_default();
    // What cannot be read ends the recovery (above 128), and is not taken for the end of the log. The last file is one that
    // was not full yet.
    let text = format!(
        "{before}restore_command = 'if [ -e ../wal/%f ]; then cp ../wal/%f %p || exit 200; \
         elif [ -e ../wal/%f.partial ]; then cp ../wal/%f.partial %p || exit 200; else exit 1; fi'\n\
         hot_standby = off\nrecovery_target_action = promote\nrecovery_target_time = '{until}'\n"
    );
    fs::write(&settings, text).map_err(at(&settings))?;
    let signal = folder.join("recovery.signal");
    File::create(&signal).map_err(at(&signal))?;
    if let Some(owner) = owner::needed() {
        owner.take(&signal).map_err(at(&signal))?;
    }
    Ok(before)
}

/// What Postgres wrote last says more than that it did not start.
fn explain(error: super::ClusterError, folder: &Path) -> WalError {
    let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    if log.contains("recovery ended before configured recovery target was reached") {
        return WalError::Folder(
            "nothing was recorded at or after that moment: without --to-time, all that was copied is restored"
                .to_owned(),
        );
    }
    error.into()
}
