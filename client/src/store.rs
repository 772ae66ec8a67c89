//! What a program keeps between its runs: the lease, the trusted keys, and the latest moment that it has seen; and what
//! follows from it without any network.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use licet_contracts::{
    keys::KeySet,
    lease::{AnswerFile, ISSUER, REVOCATIONS_TYPE, RevocationClaims},
};
use licet_domain::values::Timestamp;

use crate::{Error, Fingerprint, Licensed, OfflineLease, PinnedKeys, State, file};

/// How far the clock may run behind the latest moment seen before that counts as set back.
const TOLERANCE_SECONDS: i64 = 300;

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
        let state = match file::read(&path) {
            Ok(Some(state)) => state,
            Ok(None) => State::default(),
            Err(unreadable) => match file::read(&file::backup(&path)) {
                Ok(Some(state)) => state,
                _ => return Err(unreadable),
            },
        };
        Ok(Self { path, state })
    }

    /// Forgets everything but the trusted keys: the way out of a file that was changed.
    pub fn reset(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        for name in [path.clone(), file::backup(&path)] {
            file::remove(&name)?;
        }
        Self::open(path)
    }

    /// Claims what is to be reported for one session: two programs with one file would report it twice. `None` where
    /// another one has it; it is free again when the file is dropped.
    pub(crate) fn claim_unsent(&self) -> Option<File> {
        file::claim(&self.path)
    }

    /// Takes in what another program with the same file has kept.
    pub(crate) fn reload(&mut self) {
        if let Ok(Some(mut state)) = file::read(&self.path) {
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
        let _alone = file::lock(&self.path);
        let known = file::read(&self.path).ok().flatten();
        let mut state = known.clone().unwrap_or_else(|| self.state.clone());
        state.keep_time(&self.state);
        change(&mut state);
        if known.as_ref() != Some(&state) {
            file::write(&self.path, &state)?;
        }
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

    /// Whether the kept lease was made for another machine, whatever the time is.
    pub(crate) fn is_of_another(&self, machine: &Fingerprint) -> bool {
        let keys = self.keys().unwrap_or_default();
        let lease = self
            .state
            .lease
            .as_deref()
            .map(|lease| OfflineLease::read(lease, &keys));
        matches!(lease, Some(Ok(lease)) if lease.check_machine(machine).is_err())
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
        // A clock that runs slightly behind must not stretch the lease.
        self.check_by_server(machine, app_version, features, now.max(seen))
    }

    /// The same by the server's time, which no clock here has set.
    pub(crate) fn check_by_server(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
        now: Timestamp,
    ) -> Result<Licensed, Error> {
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
        let licensed = lease.check(machine, app_version, features, now)?;
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
    use std::fs;

    use super::*;
    use crate::file::tests::written;

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
}
