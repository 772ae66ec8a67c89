//! What a program keeps between its runs: the lease, the trusted keys, and the latest moment that it has seen.
//!
//! The file is written beside and renamed, and the one before it is kept as `.bak`, so that a crash or a truncated file
//! leaves one that reads. A seal over the content shows a change by hand; whoever takes this library apart can forge it,
//! which no file on a customer's machine could prevent. The lease itself cannot be forged and holds for its machine only.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_contracts::{
    keys::{Key, KeySet},
    lease::{AnswerFile, ISSUER, REVOCATIONS_TYPE, RevocationClaims},
};
use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Error, Fingerprint, Licensed, OfflineLease, PinnedKeys, Usage};

/// How far the clock may run behind the latest moment seen before that counts as set back.
const TOLERANCE_SECONDS: i64 = 300;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The license key that was activated.
    pub license_key: Option<String>,
    /// The activation's id.
    pub activation_id: Option<String>,
    /// The lease, as it came.
    pub lease: Option<String>,
    /// The activation's token, for heartbeats.
    #[serde(default)]
    pub token: Option<String>,
    /// How often the server wants to hear from this machine, in seconds.
    #[serde(default)]
    pub heartbeat_seconds: Option<u32>,
    /// The list of leases that were called back, as it came.
    #[serde(default)]
    pub revocations: Option<String>,
    /// What the server has not been told yet.
    #[serde(default)]
    pub unsent: Unsent,
    /// The trusted keys.
    pub keys: Vec<Key>,
    /// The latest moment seen, by this clock or the server's, in milliseconds since 1970.
    pub seen: i64,
}

/// What was used and not reported, or not confirmed: it outlives the program's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// What the next beat reports.
    pub usage: Usage,
    /// What the last beat reported, under its nonce, until the server has confirmed it.
    pub unconfirmed: Option<(String, Usage)>,
}

impl Unsent {
    /// What to send: what is unconfirmed again, or what has come together since under a new nonce.
    pub(crate) fn next(&mut self, nonce: impl FnOnce() -> String) -> (String, Usage) {
        let usage = &mut self.usage;
        let fresh = || (nonce(), std::mem::take(usage));
        self.unconfirmed.get_or_insert_with(fresh).clone()
    }

    /// The server has it, or will never take it.
    pub(crate) fn confirmed(&mut self) {
        self.unconfirmed = None;
    }
}

/// The file: the state and its seal.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    state: State,
    #[serde(default)]
    seal: String,
}

/// A state file.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    state: State,
}

impl Store {
    /// Reads the file, or the one before it where it does not read, or begins anew where there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let state = match read(&path) {
            Ok(Some(state)) => state,
            Ok(None) => State::default(),
            Err(unreadable) => match read(&backup(&path)) {
                Ok(Some(state)) => state,
                _ => return Err(unreadable),
            },
        };
        Ok(Self { path, state })
    }

    /// Forgets everything but the trusted keys: the way out of a file that was changed.
    pub fn reset(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        for file in [path.clone(), backup(&path)] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&file, &error)),
                _ => {}
            }
        }
        Self::open(path)
    }

    /// Claims what is to be reported for one session: two programs with one file would report it twice. `None` where
    /// another one has it; it is free again when the file is dropped.
    pub(crate) fn claim_unsent(&self) -> Option<fs::File> {
        let file = fs::File::create(self.path.with_extension("lock")).ok()?;
        file.try_lock().ok().map(|()| file)
    }

    /// What is kept.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The trusted keys.
    pub fn keys(&self) -> Result<PinnedKeys, Error> {
        PinnedKeys::of(&KeySet {
            keys: self.state.keys.clone(),
            succession: Vec::new(),
        })
    }

    /// Changes what is kept, durably. What cannot be written is not kept in memory either.
    pub fn update(&mut self, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        let mut state = self.state.clone();
        change(&mut state);
        if state == self.state && self.path.exists() {
            return Ok(());
        }
        write(&self.path, &state).map_err(|error| failed(&self.path, &error))?;
        self.state = state;
        Ok(())
    }

    /// Takes in what an operator carried over for a machine without a network. Keys are trusted from it only where none
    /// are trusted yet; the lease must be signed by a trusted one.
    pub fn import(&mut self, answer: &AnswerFile) -> Result<(), Error> {
        let mut keys = self.state.keys.clone();
        if keys.is_empty() {
            keys.clone_from(&answer.keys.keys);
        } else {
            keys.extend(self.keys()?.successors(&answer.keys));
        }
        let trusted = PinnedKeys::of(&KeySet {
            keys: keys.clone(),
            succession: Vec::new(),
        })?;
        let lease = OfflineLease::read(&answer.lease, &trusted)?;
        let activation = lease.activation_id().to_owned();
        self.update(|state| {
            state.keys = keys;
            state.activation_id = Some(activation);
            state.lease = Some(answer.lease.clone());
        })
    }

    /// Takes in a list of leases that were called back, signed by a trusted key; an older list never replaces a newer.
    pub fn keep_revocations(&mut self, list: &str) -> Result<(), Error> {
        let keys = self.keys()?;
        let fresh = revocations(list, &keys)?;
        let known = self
            .state
            .revocations
            .as_deref()
            .and_then(|known| revocations(known, &keys).ok());
        if known.is_some_and(|known| known.issued_ms > fresh.issued_ms) {
            return Ok(());
        }
        self.update(|state| state.revocations = Some(list.trim().to_owned()))
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
        let keys = self.keys()?;
        let lease = OfflineLease::read(token, &keys)?;
        if let Some(list) = self
            .state
            .revocations
            .as_deref()
            .and_then(|list| revocations(list, &keys).ok())
        {
            let named = list.lic.iter().any(|id| id == lease.license_id())
                || list.act.iter().any(|id| id == lease.activation_id());
            if named && lease.issued_at().seconds() <= list.iat {
                return Err(Error::Revoked);
            }
        }
        // A clock that runs slightly behind must not stretch the lease.
        let licensed = lease.check(machine, app_version, features, now.max(seen))?;
        // Once a minute is enough to notice a clock that was set back.
        if now.millis() >= self.state.seen + 60_000 {
            self.update(|state| state.seen = state.seen.max(now.millis()))?;
        }
        Ok(licensed)
    }
}

fn revocations(list: &str, keys: &PinnedKeys) -> Result<RevocationClaims, Error> {
    let claims: RevocationClaims = keys.verify(list, REVOCATIONS_TYPE)?;
    if claims.iss != ISSUER || claims.ver != 1 {
        return Err(Error::Lease("the list is of another issuer or version"));
    }
    Ok(claims)
}

fn backup(path: &Path) -> PathBuf {
    path.with_extension("bak")
}

fn read(path: &Path) -> Result<Option<State>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| failed(path, &error))?;
    if kept.seal != seal(&kept.state) {
        return Err(Error::Tampered {
            path: path.display().to_string(),
        });
    }
    Ok(Some(kept.state))
}

fn write(path: &Path, state: &State) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let kept = Kept {
        seal: seal(state),
        state: state.clone(),
    };
    let text = serde_json::to_vec_pretty(&kept)?;
    let partial = path.with_extension("part");
    let mut file = fs::File::create(&partial)?;
    file.write_all(&text)?;
    file.sync_all()?;
    if read(path).is_ok_and(|known| known.is_some()) {
        fs::copy(path, backup(path))?;
    }
    fs::rename(&partial, path)
}

/// A digest over what is kept, in the order of its fields.
fn seal(state: &State) -> String {
    let mut digest = Sha256::new();
    digest.update(b"licet state v1\n");
    digest.update(serde_json::to_vec(state).unwrap_or_default());
    URL_SAFE_NO_PAD.encode(digest.finalize())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let mut store = Store::open(&path).unwrap();
        store.update(|state| state.seen = 5).unwrap();
        store.update(|state| state.seen = 7).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_cut_anywhere_falls_back_to_the_one_before() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Store::open(&path).unwrap().state().seen, 5, "cut at {length}");
        }
    }

    #[test]
    fn a_file_edited_in_any_byte_is_not_believed() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        fs::remove_file(backup(&path)).unwrap();
        for index in 0..whole.len() {
            let mut edited = whole.clone();
            edited[index] = if edited[index] == b'9' { b'8' } else { b'9' };
            fs::write(&path, &edited).unwrap();
            let opened = Store::open(&path);
            assert!(opened.is_err() || opened.unwrap().state().seen == 7, "byte {index}");
        }
        assert_eq!(Store::reset(&path).unwrap().state(), &State::default());
    }
}
