//! Whom the cluster belongs to: Postgres refuses to run as root.

use std::{
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

/// A user of this machine.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: String,
    uid: u32,
    gid: u32,
}

/// The user to switch to, when this process is root: `postgres` where it exists, otherwise `nobody`.
pub(super) fn needed() -> Option<Owner> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"]
        .iter()
        .filter(|_| root)
        .find_map(|name| find(&users, name))
}

fn find(users: &str, name: &str) -> Option<Owner> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2).map_while(|field| field.parse().ok());
    Some(Owner {
        name: name.to_owned(),
        uid: ids.next()?,
        gid: ids.next()?,
    })
}

impl Owner {
    /// Runs a program as this user.
    pub(super) fn applied_to(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a path to this user.
    pub(super) fn take(&self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }

    /// Whether this user can get into a folder.
    pub(super) fn can_enter(&self, folder: &Path) -> bool {
        let mut probe = Command::new("test");
        probe.arg("-x").arg(folder);
        self.applied_to(&mut probe);
        probe.current_dir("/").status().is_ok_and(|status| status.success())
    }
}
