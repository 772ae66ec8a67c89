//! Where a backup is tried: a cluster, or a database on a server that is there for it, which goes when it was tried.

use std::{
    fs::File,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use url::Url;

use super::BackupError;
use crate::{
    Edge,
    embedded::{Cluster, ClusterOptions},
    session,
};

/// How folders and databases are called in which backups are tried.
const NAME: &str = "licet-verify-";
/// Held as long as what lies beside it is in use.
const LOCK: &str = "lock";
/// Nothing of it has to survive.
const SETTINGS: [&str; 3] = ["fsync=off", "synchronous_commit=off", "max_wal_size=4GB"];
/// A folder that is younger may not have been locked yet.
const YOUNG: Duration = Duration::from_secs(60);

/// Where backups are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScratchPlace {
    /// A cluster of its own, by PostgreSQL's programs on this machine.
    Cluster,
    /// A database of its own on this server, whose user may make databases.
    Server(String),
}

/// An empty database, for as long as this lives. What a kill leaves of it goes when the next one is made.
pub struct Scratch {
    /// Where to connect.
    pub url: String,
    // In this order: the cluster stops before its folder goes.
    kind: Kind,
    folder: TempDir,
    _lock: File,
}

enum Kind {
    Cluster { _running: Cluster },
    Database { connection: PgConnection, name: String },
}

impl Scratch {
    /// Makes one.
    pub async fn make(place: &ScratchPlace, edge: &Edge) -> Result<Self, BackupError> {
        let all = std::env::temp_dir();
        sweep_folders(&all)?;
        // Where the user that Postgres runs as can get in.
        let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        let folder = tempfile::Builder::new()
            .prefix(NAME)
            .permissions(passable)
            .tempdir_in(all)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        let (url, kind) = match place {
            ScratchPlace::Cluster => {
                let settings = SETTINGS.map(str::to_owned).into();
                let running = Cluster::start(folder.path(), &ClusterOptions { settings }, edge)?;
                (running.url(), Kind::Cluster { _running: running })
            }
            ScratchPlace::Server(url) => make_database(url, edge).await?,
        };
        Ok(Self {
            url,
            kind,
            folder,
            _lock: lock,
        })
    }

    /// Where months of the archive go.
    pub fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// Throws all of it away.
    pub async fn discard(self) -> Result<(), BackupError> {
        if let Kind::Database { mut connection, name } = self.kind {
            sqlx::query(&format!("DROP DATABASE {name:?} WITH (FORCE)"))
                .execute(&mut connection)
                .await?;
            connection.close().await?;
        } else {
            // The cluster first.
            drop(self.kind);
        }
        Ok(self.folder.close()?)
    }
}

/// Removes what was left by who was killed. A cluster that still runs in such a folder notices within a minute that its
/// folder is gone, and ends.
fn sweep_folders(all: &Path) -> std::io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(all)? {
        let Ok(entry) = entry else { continue };
        if !entry.file_name().to_string_lossy().starts_with(NAME) {
            continue;
        }
        let Ok(about) = entry.path().symlink_metadata() else {
            continue;
        };
        let is_old = about.modified()?.elapsed().is_ok_and(|age| age > YOUNG);
        let is_used = File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        if about.is_dir() && about.uid() == own && is_old && !is_used {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// One at a time on a server, so that whatever else is called so there was left by who was killed.
async fn make_database(server: &str, edge: &Edge) -> Result<(String, Kind), BackupError> {
    let mut url =
        Url::parse(server).map_err(|error| BackupError::OutOfReach(format!("no address of a server: {error}")))?;
    // Locks are a database's own: whoever makes some here meets the others in the one that every server has.
    url.set_path("postgres");
    let options = session::connect_options(url.as_str())?;
    let mut connection = session::MIGRATING.connect(&options).await?;
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "alone!""#,
        NAME
    )
    .fetch_one(&mut connection)
    .await?;
    if !alone {
        return Err(BackupError::Verifying);
    }
    let left = sqlx::query_scalar!(
        r#"SELECT quote_ident(datname) AS "name!" FROM pg_database WHERE starts_with(datname, $1)"#,
        NAME
    )
    .fetch_all(&mut connection)
    .await?;
    for name in left {
        sqlx::query(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .execute(&mut connection)
            .await?;
    }
    let name = format!("{NAME}{}", edge.id().simple());
    sqlx::query(&format!("CREATE DATABASE {name:?}"))
        .execute(&mut connection)
        .await?;
    let mut url =
        Url::parse(server).map_err(|error| BackupError::OutOfReach(format!("no address of a server: {error}")))?;
    url.set_path(&name);
    Ok((url.to_string(), Kind::Database { connection, name }))
}
