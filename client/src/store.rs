//! What a program keeps between its runs: the lease, the trusted keys, and the latest moment that it has seen.
//!
//! The file is written beside and renamed, and the one before it is kept as `.bak`, so that a crash or a truncated file
//! leaves one that reads. A seal over the content shows a change by hand; whoever takes this library apart can forge it,
//! which no file on a customer's machine could prevent. The lease itself cannot be forged and holds for its machine only.

use std::{
    cmp::Ordering,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_contracts::{
    keys::{Key, KeySet},
    lease::{AnswerFile, ISSUER, REVOCATIONS_TYPE, RevocationClaims},
};
use licet_domain::values::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
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
    /// The latest moment that the server has told, in milliseconds since 1970; 0 before it has.
    #[serde(default)]
    pub told: i64,
}

impl State {
    /// The server's signed word on the time: it ends what a wrong clock has left behind.
    pub(crate) fn hear(&mut self, ts: Timestamp) {
        if ts.millis() >= self.told {
            (self.seen, self.told) = (ts.millis(), ts.millis());
        }
    }

    /// What another program saw of the time counts as far as it has heard as much of the server; an older file that was
    /// put back makes nobody forget what time it was.
    fn keep_time(&mut self, known: &Self) {
        self.seen = match self.told.cmp(&known.told) {
            Ordering::Less => known.seen,
            Ordering::Equal => self.seen.max(known.seen),
            Ordering::Greater => self.seen,
        };
        self.told = self.told.max(known.told);
    }
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
    /// What to send: what is unconfirmed again, or what has come together since under a new nonce, as much as one beat takes.
    pub(crate) fn next(&mut self, nonce: impl FnOnce() -> String) -> (String, Usage) {
        let usage = &mut self.usage;
        let fresh = || (nonce(), usage.take());
        self.unconfirmed.get_or_insert_with(fresh).clone()
    }

    /// The server knows no such meter and has counted nothing: the rest is to be sent under another nonce.
    pub(crate) fn without(&mut self, meter: &str) {
        if let Some((_, mut rest)) = self.unconfirmed.take() {
            rest.add(&self.usage);
            self.usage = rest;
        }
        self.usage.meters.remove(meter);
    }

    /// What another program has left to be reported.
    pub(crate) fn take_over(&mut self, left: Self) {
        match (&self.unconfirmed, left.unconfirmed) {
            (None, theirs) => self.unconfirmed = theirs,
            // Two that may or may not have arrived cannot both keep their nonce; the one that is sent next does.
            (Some(_), Some((_, usage))) => self.usage.add(&usage),
            (Some(_), None) => {}
        }
        let mut usage = left.usage;
        usage.add(&self.usage);
        self.usage = usage;
    }

    /// The server has it, or will never take it.
    pub(crate) fn confirmed(&mut self) {
        self.unconfirmed = None;
    }
}

/// The file: the state, and the seal over its exact text, so that a newer program with more to keep believes it too.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: Box<RawValue>,
    #[serde(default)]
    seal: String,
}

/// For how long a program waits for another one that writes the same file.
const PATIENCE: Duration = Duration::from_secs(2);

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
        make_folder(&self.path).ok()?;
        let file = fs::File::create(self.path.with_extension("lock")).ok()?;
        file.try_lock().ok().map(|()| file)
    }

    /// Takes in what another program with the same file has kept.
    pub(crate) fn reload(&mut self) {
        if let Ok(Some(mut state)) = read(&self.path) {
            state.keep_time(&self.state);
            self.state = state;
        }
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

    /// Changes what is kept, durably, and takes in what another program with the same file has kept since. What cannot be
    /// written is not kept in memory either.
    pub fn update(&mut self, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        let _alone = self.lock();
        let known = read(&self.path).ok().flatten();
        let mut state = known.clone().unwrap_or_else(|| self.state.clone());
        state.keep_time(&self.state);
        change(&mut state);
        if known.as_ref() != Some(&state) {
            write(&self.path, &state).map_err(|error| failed(&self.path, &error))?;
        }
        self.state = state;
        Ok(())
    }

    /// Held while the file is changed; nothing where the file system has no locks, or who holds it does not go on.
    fn lock(&self) -> Option<fs::File> {
        make_folder(&self.path).ok()?;
        let file = fs::File::create(self.path.with_extension("writing")).ok()?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(_) => return None,
            }
        }
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
    let unreadable = |error: serde_json::Error| failed(path, &error);
    let kept: Kept = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if kept.seal != seal(kept.state.get()) {
        return Err(Error::Tampered {
            path: path.display().to_string(),
        });
    }
    serde_json::from_str(kept.state.get()).map(Some).map_err(unreadable)
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)
}

fn write(path: &Path, state: &State) -> std::io::Result<()> {
    make_folder(path)?;
    let state = serde_json::value::to_raw_value(state)?;
    let seal = seal(state.get());
    let text = serde_json::to_vec(&Kept { state, seal })?;
    let partial = path.with_extension("part");
    let mut file = fs::File::create(&partial)?;
    file.write_all(&text)?;
    file.sync_all()?;
    if read(path).is_ok_and(|known| known.is_some()) {
        fs::copy(path, backup(path))?;
    }
    fs::rename(&partial, path)
}

/// A digest over what is kept.
fn seal(state: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"licet state v1\n");
    digest.update(state);
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
    fn programs_that_share_a_file_keep_what_the_others_kept() {
        let (_folder, path) = written();
        let keep = |change: fn(&mut State, i64)| {
            let mut store = Store::open(&path).unwrap();
            move || (1..=50).for_each(|number| store.update(|state| change(state, number)).unwrap())
        };
        let beats = keep(|state, _| state.heartbeat_seconds = Some(state.heartbeat_seconds.unwrap_or(0) + 1));
        let moments = keep(|state, number| state.seen = state.seen.max(number + 100));
        let tokens = keep(|state, number| state.token = Some(number.to_string()));
        std::thread::scope(|scope| {
            scope.spawn(beats);
            scope.spawn(moments);
            scope.spawn(tokens);
        });
        let kept = Store::open(&path).unwrap();
        let State {
            heartbeat_seconds,
            seen,
            token,
            ..
        } = kept.state();
        assert_eq!(
            (*heartbeat_seconds, *seen, token.as_deref()),
            (Some(50), 150, Some("50"))
        );
    }

    #[test]
    fn an_older_file_that_was_put_back_does_not_turn_the_time_back() {
        let (_folder, path) = written();
        let old = fs::read(&path).unwrap();
        let mut store = Store::open(&path).unwrap();
        store.update(|state| state.seen = 900).unwrap();
        fs::write(&path, &old).unwrap();
        store.update(|state| state.token = Some("another".to_owned())).unwrap();
        assert_eq!(Store::open(&path).unwrap().state().seen, 900);
    }

    #[test]
    fn the_server_sets_the_time_right_for_all_who_share_a_file() {
        let (_folder, path) = written();
        let mut one = Store::open(&path).unwrap();
        one.update(|state| state.seen = 9_000_000).unwrap();
        let mut other = Store::open(&path).unwrap();
        one.update(|state| state.hear(Timestamp::from_millis(5_000))).unwrap();
        other.update(|state| state.token = Some("another".to_owned())).unwrap();
        one.update(|state| state.heartbeat_seconds = Some(60)).unwrap();
        assert_eq!((one.state().seen, other.state().seen), (5_000, 5_000));
        one.update(|state| state.hear(Timestamp::from_millis(4_000))).unwrap();
        assert_eq!(one.state().seen, 5_000, "an older answer says nothing new");
    }

    #[test]
    fn what_a_newer_program_keeps_is_believed() {
        let (_folder, path) = written();
        let state = RawValue::from_string(r#"{"keys":[],"seen":8,"of_a_newer_program":true}"#.to_owned()).unwrap();
        let seal = seal(state.get());
        fs::write(&path, serde_json::to_vec(&Kept { state, seal }).unwrap()).unwrap();
        assert_eq!(Store::open(&path).unwrap().state().seen, 8);
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
