//! Makes a private Postgres again of the copies of it and of its write-ahead log, as of any moment that they reach.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
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
    wal::{MARK, PASSWORD, WalError, at, base_name, bases},
};
use crate::Edge;

/// Where it is made, within the data folder: what was cut off is never taken for a database.
const WORK: &str = "recovery";

/// A cluster that has read its log again, and does not stand in its place yet.
#[derive(Debug)]
pub struct Recovery {
    cluster: Cluster,
    data_dir: PathBuf,
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
        tell(&folder, until)?;
        let options = ClusterOptions::default();
        let cluster = Cluster::start(&work, &options, edge).map_err(|error| explain(error, &folder))?;
        Ok(Self {
            cluster,
            data_dir: data_dir.to_owned(),
        })
    }

    /// Where to connect, while it is not in its place.
    pub fn url(&self) -> String {
        self.cluster.url()
    }

    /// Puts it in its place.
    pub fn complete(self) -> Result<(), WalError> {
        let work = self.data_dir.join(WORK);
        drop(self.cluster);
        for name in ["postgres.password", FOLDER] {
            let place = self.data_dir.join(name);
            fs::rename(work.join(name), &place).map_err(at(&place))?;
        }
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

/// Says where the log is, and up to where it is read. The last file is one that was not full yet.
fn tell(folder: &Path, until: Option<Timestamp>) -> Result<(), WalError> {
    let settings = folder.join("postgresql.auto.conf");
    let mut text = String::from(
        "restore_command = 'cp ../wal/%f %p 2>/dev/null || cp ../wal/%f.partial %p 2>/dev/null'\n\
         hot_standby = off\nrecovery_target_action = promote\n",
    );
    if let Some(until) = until {
        // `Z` is an abbreviation, and none is known when this is read.
        let until = until.to_string().replace('Z', "+00");
        text = format!("{text}recovery_target_time = '{until}'\n");
    }
    let mut file = OpenOptions::new().append(true).open(&settings).map_err(at(&settings))?;
    file.write_all(text.as_bytes()).map_err(at(&settings))?;
    let signal = folder.join("recovery.signal");
    File::create(&signal).map_err(at(&signal))?;
    match owner::needed() {
        Some(owner) => owner.take(&signal).map_err(at(&signal)),
        None => Ok(()),
    }
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
