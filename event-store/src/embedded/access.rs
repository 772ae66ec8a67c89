//! How the cluster is reached, and by whom its programs are run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{ClusterError, owner::Owner};

pub(super) const USER: &str = "licet";
pub(super) const DATABASE: &str = "licet";

/// What a program of Postgres needs.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) bin: PathBuf,
    pub(super) owner: Option<Owner>,
    pub(super) password: String,
    pub(super) port: u16,
}

impl Access {
    /// Where to connect, password included.
    pub(super) fn url(&self) -> String {
        // Said outright: `PGSSLMODE` may ask for more, for other databases.
        format!(
            "postgres://{USER}:{}@127.0.0.1:{}/{DATABASE}?sslmode=disable",
            self.password, self.port
        )
    }

    /// One of Postgres's programs that connects, as the user whom the cluster belongs to.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        ignore_settings(&mut command);
        command
            .args(["-h", "127.0.0.1", "-U", USER, "-p", &self.port.to_string()])
            .env("PGPASSWORD", &self.password)
            .env("LC_ALL", "C")
            .current_dir("/");
        if let Some(owner) = &self.owner {
            owner.applied_to(&mut command);
        }
        command
    }

    /// Fails where the user whom the cluster belongs to cannot get into a folder.
    pub(super) fn expect_way(&self, folder: &Path) -> Result<(), ClusterError> {
        expect_way(self.owner.as_ref(), folder)
    }

    /// Gives a path to the user whom the cluster belongs to.
    pub(super) fn give(&self, path: &Path) -> std::io::Result<()> {
        self.owner.as_ref().map_or(Ok(()), |owner| owner.take(path))
    }
}

pub(super) fn expect_way(owner: Option<&Owner>, folder: &Path) -> Result<(), ClusterError> {
    match owner.filter(|owner| !owner.can_enter(folder)) {
        Some(owner) => Err(ClusterError::Unreachable {
            folder: folder.to_owned(),
            user: owner.name.clone(),
        }),
        None => Ok(()),
    }
}

/// Settings of libpq that a person or a service has for other databases would lead elsewhere.
pub(super) fn ignore_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") && name != "PGPASSWORD" {
            command.env_remove(name);
        }
    }
}
