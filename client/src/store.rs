//! What a program keeps between its runs: the lease, the trusted keys, and the latest moment that it has seen.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use licet_contracts::keys::{Key, KeySet};
use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Fingerprint, Licensed, OfflineLease, PinnedKeys};

/// How far the clock may run behind the latest moment seen before that counts as set back.
const TOLERANCE_SECONDS: i64 = 300;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The license key that was activated.
    pub license_key: Option<String>,
    /// The activation's id.
    pub activation_id: Option<String>,
    /// The lease, as it came.
    pub lease: Option<String>,
    /// The trusted keys.
    pub keys: Vec<Key>,
    /// The latest moment seen, by this clock or the server's, in milliseconds since 1970.
    pub seen: i64,
}

/// A state file. It is written beside and renamed, so that a crash leaves the old one or the new one.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    state: State,
}

impl Store {
    /// Reads the file, or begins anew where there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let state = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(&path, &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(failed(&path, &error)),
        };
        Ok(Self { path, state })
    }

    /// What is kept.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The trusted keys.
    pub fn keys(&self) -> Result<PinnedKeys, Error> {
        PinnedKeys::of(&KeySet {
            keys: self.state.keys.clone(),
        })
    }

    /// Changes what is kept, durably.
    pub fn update(&mut self, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        change(&mut self.state);
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|error| failed(&self.path, &error))?;
        }
        let partial = self.path.with_extension("part");
        let text = serde_json::to_vec_pretty(&self.state).map_err(|error| failed(&self.path, &error))?;
        let written = fs::File::create(&partial).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written
            .and_then(|()| fs::rename(&partial, &self.path))
            .map_err(|error| failed(&self.path, &error))
    }

    /// Says without any network whether this machine may run now, and remembers the moment.
    pub fn check_offline(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
    ) -> Result<Licensed, Error> {
        self.check_offline_at(machine, app_version, features, now())
    }

    /// The same by another clock.
    pub fn check_offline_at(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
        now: Timestamp,
    ) -> Result<Licensed, Error> {
        let seen = Timestamp::from_millis(self.state.seen);
        if now.plus_seconds(TOLERANCE_SECONDS) < seen {
            return Err(Error::ClockSetBack {
                now: now.to_string(),
                seen: seen.to_string(),
            });
        }
        let token = self.state.lease.as_deref().ok_or(Error::NoLease)?;
        let lease = OfflineLease::read(token, &self.keys()?)?;
        // A clock that runs slightly behind must not stretch the lease.
        let licensed = lease.check(machine, app_version, features, now.max(seen))?;
        self.update(|state| state.seen = state.seen.max(now.millis()))?;
        Ok(licensed)
    }
}

fn failed(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}

/// Now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the client library is an edge of its own")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(since).unwrap_or(i64::MAX))
}
