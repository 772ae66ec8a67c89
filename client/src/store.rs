//! What a program keeps between its runs: the lease, the trusted keys, and the latest moment that it has seen.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use licet_contracts::{keys::KeySet, lease::AnswerFile};
use licet_domain::values::Timestamp;

use crate::{Error, OfflineLease, PinnedKeys, State, file, offline::revocations};

/// A state file.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    state: State,
}

impl Store {
    /// Reads the file, or the one before it where it does not read, or begins anew where there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = file::resolve(path.as_ref())?;
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

    /// Forgets everything: the way out of a file that was changed. Nothing in it can be believed, the trusted keys neither;
    /// a program that ships its vendor's keys trusts them again ([`Store::trust`]).
    pub fn reset(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = file::resolve(path.as_ref())?;
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

    /// Trusts the keys that a program ships, beside those that it trusts already: then the first contact cannot be
    /// anybody else's.
    pub fn trust(&mut self, shipped: &KeySet) -> Result<(), Error> {
        PinnedKeys::of(shipped)?;
        self.update(|state| {
            for key in &shipped.keys {
                if !state.keys.contains(key) {
                    state.keys.push(key.clone());
                }
            }
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

    /// Takes in an answer file.
    pub fn import_file(&mut self, path: impl AsRef<Path>) -> Result<AnswerFile, Error> {
        let path = path.as_ref();
        let answer = serde_json::from_str(&file::text(path)?).map_err(|error| file::failed(path, &error))?;
        self.import(&answer)?;
        Ok(answer)
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
            // The server's signed word on the time: it ends what a wrong clock has left behind.
            state.hear(lease.issued_at());
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
        // Each waits for the others after each turn: on a slow disk, who never gets the lock would give up on it.
        let turn = std::sync::Barrier::new(3);
        let keep = |change: fn(&mut State, i64)| {
            let (mut store, turn) = (Store::open(&path).unwrap(), &turn);
            move || {
                (1..=50).for_each(|number| {
                    store.update(|state| change(state, number)).unwrap();
                    turn.wait();
                });
            }
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
