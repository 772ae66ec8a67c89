//! Finds the database that a command works on, and starts a private one that is stopped.

use std::path::Path;

use anyhow::{Context as _, bail};
use licet_event_store::{
    Edge, EventLog, LogOptions, LogTasks,
    embedded::{Cluster, ClusterOptions},
    schema,
};

use super::Location;

/// A database, and the private cluster that it is in; the cluster stops with the last program that uses it.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) cluster: Option<Cluster>,
}

/// Opens what the arguments name; without a word, `DATABASE_URL`.
pub(crate) fn open(location: &Location, edge: &Edge) -> anyhow::Result<Database> {
    if location.embedded {
        let cluster = Cluster::start(&location.data_dir, &ClusterOptions::default(), edge)?;
        if let Some(archive) = location.archive().filter(|_| location.archive_dir.is_none()) {
            std::fs::create_dir_all(&archive).with_context(|| format!("making {}", archive.display()))?;
        }
        return Ok(Database {
            url: cluster.url(),
            cluster: Some(cluster),
        });
    }
    match &location.database_url {
        Some(url)
            if !["postgres://", "postgresql://"]
                .iter()
                .any(|scheme| url.starts_with(scheme)) =>
        {
            bail!("DATABASE_URL is no address of a database, such as postgres://user@host/name")
        }
        Some(url) => Ok(Database {
            url: url.clone(),
            cluster: None,
        }),
        None => bail!("say which database: --embedded for a private one, or DATABASE_URL"),
    }
}

/// The same for a command that works on what is there: a private cluster is not made because of a mistyped folder.
pub(crate) fn open_existing(location: &Location, edge: &Edge) -> anyhow::Result<Database> {
    if location.embedded && !Cluster::is_made(&location.data_dir) {
        bail!(
            "there is no private Postgres in {}: name its folder with --data-dir, or start a server to make one",
            location.data_dir.display()
        );
    }
    open(location, edge)
}

/// Opens the log for a command that works beside a server.
pub(crate) async fn open_log(location: &Location, database: &Database) -> anyhow::Result<(EventLog, LogTasks)> {
    let settings = LogOptions {
        connections: 4,
        archive: location.archive(),
        ..LogOptions::default()
    };
    let opened = EventLog::open(&database.url, &settings).await;
    let (log, tasks) = opened.map_err(|error| {
        let answered = error.as_database_error().is_some();
        let hint = answered.then_some("; has this database been migrated? `licet migrate` does it");
        anyhow::Error::new(error).context(format!("opening the log{}", hint.unwrap_or_default()))
    })?;
    if let Err(mismatch) = schema::check(log.pool()).await? {
        bail!(mismatch);
    }
    Ok((log, tasks))
}

/// The folder where secrets are kept, for an embedded server.
pub(crate) fn kept_in<'a>(location: &'a Location, edge: &'a Edge) -> Option<(&'a Path, &'a Edge)> {
    location.embedded.then_some((location.data_dir.as_path(), edge))
}
