//! Passwords: hashed with argon2id, a few at a time, by threads that give way to everything else.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use licet_domain::values::ValueError;
use licet_event_store::Edge;
use tokio::sync::oneshot;
use zxcvbn::Score;

use crate::CommandError;

/// Fewer are guessed (OWASP ASVS 5, 6.2.1), more are not typed.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Hashes passwords with the parameters of OWASP's Password Storage Cheat Sheet (argon2id, 19 MiB, 2 passes, 1 lane), and
/// so few at a time, and at so low a priority, that whoever asks for licenses is not kept waiting.
#[derive(Debug, Clone)]
pub struct Hashing {
    waiting: Sender<Job>,
    /// What a password is compared with where there is none: it takes as long.
    dummy_hash: Arc<str>,
}

impl Hashing {
    /// One that hashes so many passwords at the same time.
    pub fn new(edge: &Edge, at_once: usize) -> Self {
        let dummy_hash = hash(&hex::encode(edge.bytes::<32>()), &edge.bytes());
        let (waiting, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..at_once {
            let jobs = Arc::clone(&jobs);
            let thread = thread::Builder::new().name("passwords".to_owned());
            thread
                .spawn(move || work(&jobs))
                .expect("a process that starts can have threads");
        }
        Self {
            waiting,
            dummy_hash: dummy_hash.into(),
        }
    }

    /// A password's hash, in PHC notation.
    pub(super) async fn hash(&self, edge: &Edge, password: String) -> Result<String, CommandError> {
        let salt = edge.bytes();
        self.in_turn(move || hash(&password, &salt)).await
    }

    /// Whether a password is the one of this hash, and whether the hash is of weaker parameters than today's. Without a
    /// hash it never is, after the same time.
    pub(super) async fn check(&self, password: String, hash: Option<String>) -> Result<Checked, CommandError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.to_string());
        self.in_turn(move || {
            let right = Argon2::default()
                .verify_password(password.as_bytes(), &hash[..])
                .is_ok();
            let weak = PasswordHash::new(&hash).map_or(true, |hash| !has_present_parameters(&hash));
            Checked {
                right: right && known,
                weak,
            }
        })
        .await
    }

    /// Does a piece of work when those before it are done.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever has gone away meanwhile is not worked for.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        });
        self.waiting.send(job).map_err(|_| CommandError::Overloaded)?;
        result.await.map_err(|_| CommandError::Overloaded)
    }
}

/// A piece of work that waits for its turn.
type Job = Box<dyn FnOnce() + Send>;

/// Works until nobody can have work any more.
fn work(jobs: &Mutex<Receiver<Job>>) {
    licet_event_store::niceness::give_way();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // What panics answers nobody; the thread goes on.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
    }
}

/// What came of comparing a password.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked {
    pub(super) right: bool,
    pub(super) weak: bool,
}

fn hash(password: &str, salt: &[u8; 16]) -> String {
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.expect("sixteen bytes are a salt, and the parameters are the crate's own")
        .to_string()
}

fn has_present_parameters(hash: &PasswordHash) -> bool {
    let costs = |params: &argon2::Params| (params.m_cost(), params.t_cost(), params.p_cost());
    argon2::Params::try_from(hash).is_ok_and(|params| costs(&params) == costs(&argon2::Params::DEFAULT))
}

/// A password that nobody guesses at once: none of those that are used and were breached most, in any of their usual
/// disguises, no row of keys, no repetition, and nothing made of its owner's address. The lists are the crate's own.
pub(super) fn acceptable(password: &str, email: &str) -> Result<String, ValueError> {
    let weak = |detail: &str| ValueError {
        code: "PASSWORD_WEAK",
        detail: detail.to_owned(),
    };
    if !LENGTH.contains(&password.chars().count()) {
        return Err(weak("a password has 12 to 128 characters"));
    }
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    if name.len() > 3 && password.to_lowercase().contains(&name) {
        return Err(weak("a password does not contain the name of its mail address"));
    }
    let estimate = zxcvbn::zxcvbn(password, &names(email));
    if estimate.score() < Score::Three {
        let feedback = estimate.feedback();
        let why = feedback.and_then(|feedback| Some(format!(": {}", feedback.warning()?)));
        return Err(weak(&format!(
            "this password is among the first that are guessed{}",
            why.unwrap_or_default()
        )));
    }
    Ok(password.to_owned())
}

/// What everyone knows of who has this address.
fn names(email: &str) -> Vec<&str> {
    let parts = email
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| part.len() > 2);
    parts.chain(email.split('@')).chain([email, "licet"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_nobody_has_none() {
        let edge = Edge::system();
        let hashing = Hashing::new(&edge, 2);
        let kept = hashing.hash(&edge, "correct horse battery".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let check = async |password: &str, hash: Option<&str>| {
            hashing
                .check(password.to_owned(), hash.map(str::to_owned))
                .await
                .unwrap()
        };
        let right = check("correct horse battery", Some(&kept)).await;
        assert!(right.right && !right.weak);
        assert!(!check("correct horse batterie", Some(&kept)).await.right);
        assert!(!check("correct horse battery", None).await.right);
        let older = kept.replace("m=19456", "m=9216");
        assert!(
            check("anything", Some(&older)).await.weak,
            "it is hashed anew at the next log-in"
        );
    }

    #[test]
    fn what_is_guessed_at_once_is_refused() {
        for weak in [
            "short",
            &"x1".repeat(65),
            "aaaaaaaaaaaaaaaa",
            "Ada.Lovelace-2026",
            "password1234",
            "P@ssw0rd!P@ssw0rd!",
            "qwertyuiop123",
            "1q2w3e4r5t6y",
            "iloveyou1234",
            "123456789012",
        ] {
            assert!(acceptable(weak, "ada.lovelace@example.com").is_err(), "{weak}");
        }
        assert!(acceptable("correct horse battery", "ada.lovelace@example.com").is_ok());
    }
}
