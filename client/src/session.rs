//! A licensed program's whole life: start, beat, lose the network, stay valid inside the lease, refuse after it, come back.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use licet_domain::values::Timestamp;
use rand::Rng as _;

use crate::{Client, Error, Fingerprint, Licensed, Usage, store::now};

/// The first wait after a failure; each further one doubles it.
const FIRST_WAIT: i64 = 5;
/// The longest wait between two tries.
const LONGEST_WAIT: i64 = 900;

/// Whether the program may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It may; `online` tells whether the server said so or the lease.
    Licensed {
        /// What the lease says.
        license: Licensed,
        /// Whether the last contact succeeded.
        online: bool,
    },
    /// It must not, and why: a code of the contract, or `OFFLINE` where no lease holds and the server is out of reach.
    Refused {
        /// For programs.
        code: String,
        /// For people.
        detail: String,
    },
}

impl Status {
    /// Whether the program may run.
    pub fn is_licensed(&self) -> bool {
        matches!(self, Self::Licensed { .. })
    }
}

/// When the next contact is due: after the server's interval, or after a failure with a wait that doubles, each with a
/// quarter of it at random, so that a thousand machines that lost the network together do not come back together.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    next: Option<Timestamp>,
    failures: u32,
}

impl Schedule {
    /// Whether a contact is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    /// Seconds until the next contact.
    pub fn wait_seconds(&self, now: Timestamp) -> i64 {
        self.next.map_or(0, |next| (next.seconds() - now.seconds()).max(0))
    }

    /// After a contact; `random` is from 0 to 1.
    pub fn succeeded(&mut self, interval_seconds: u32, now: Timestamp, random: f64) {
        self.failures = 0;
        // Early rather than late: a floating seat is held only for so long.
        let interval = f64::from(interval_seconds);
        self.next = Some(now.plus_seconds((interval - interval / 4.0 * random) as i64));
    }

    /// After a failure; a server that said when to come back is heeded.
    pub fn failed(&mut self, retry_after_seconds: Option<u32>, now: Timestamp, random: f64) {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        let wait = doubled
            .min(LONGEST_WAIT)
            .max(i64::from(retry_after_seconds.unwrap_or(0)));
        self.failures = self.failures.saturating_add(1);
        self.next = Some(now.plus_seconds(wait + (wait as f64 / 4.0 * random) as i64));
    }
}

/// One program on one machine with one license.
pub struct Session {
    client: Client,
    machine: Fingerprint,
    license_key: String,
    app_version: Option<String>,
    schedule: Schedule,
    usage: Usage,
    /// What the last beat reported, under its nonce, until the server has confirmed it.
    unconfirmed: Option<(String, Usage)>,
    /// What the server refused with, until it says otherwise.
    refused: Option<(String, String)>,
    online: bool,
}

impl Session {
    /// A session that contacts the server at its first [`Session::tick`].
    pub fn new(client: Client, license_key: &str, machine: Fingerprint, app_version: Option<&str>) -> Self {
        Self {
            client,
            machine,
            license_key: license_key.to_owned(),
            app_version: app_version.map(str::to_owned),
            schedule: Schedule::default(),
            usage: Usage::default(),
            unconfirmed: None,
            refused: None,
            online: false,
        }
    }

    /// Adds to what the next beat reports.
    pub fn report(&mut self, usage: &Usage) {
        self.usage.add(usage);
    }

    /// The client underneath.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// When the next contact is due.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Contacts the server where that is due, and says whether the program may run. Never waits.
    pub fn tick(&mut self) -> Status {
        self.tick_at(now())
    }

    /// The same by another clock.
    pub fn tick_at(&mut self, now: Timestamp) -> Status {
        if self.schedule.is_due(now) {
            self.contact(now);
        }
        if let Some((code, detail)) = &self.refused {
            return Status::Refused {
                code: code.clone(),
                detail: detail.clone(),
            };
        }
        let version = self.app_version.as_deref();
        match self.client.store().check_offline_at(&self.machine, version, &[], now) {
            Ok(license) => Status::Licensed {
                license,
                online: self.online,
            },
            Err(error) => Status::Refused {
                code: match &error {
                    Error::NotValid { code, .. } => (*code).to_owned(),
                    Error::Revoked => "REVOKED".to_owned(),
                    _ => "OFFLINE".to_owned(),
                },
                detail: error.to_string(),
            },
        }
    }

    /// Beats where this machine has a token, and activates where it has none or the token's time is over.
    fn contact(&mut self, now: Timestamp) {
        let beaten = if self.client.store().state().token.is_some() {
            let next = || (crate::client::nonce(), std::mem::take(&mut self.usage));
            let (nonce, usage) = self.unconfirmed.get_or_insert_with(next).clone();
            match self.client.heartbeat_as(&nonce, &usage, self.app_version.as_deref()) {
                Err(Error::Refused { code, .. }) if code == "TOKEN_EXPIRED" || code == "UNAUTHENTICATED" => None,
                beaten => Some(beaten.map(|beat| (!beat.valid).then(|| (beat.code.clone(), beat.detail.clone())))),
            }
        } else {
            None
        };
        let outcome = match beaten {
            Some(Ok(refused)) => {
                self.unconfirmed = None;
                Ok(refused)
            }
            Some(Err(error)) => Err(error),
            None => self
                .client
                .activate(&self.license_key, &self.machine, self.app_version.as_deref())
                .map(|_| None),
        };
        let random = random();
        match outcome {
            Ok(refused) => {
                self.refused = refused;
                self.online = true;
                let interval = self.client.store().state().heartbeat_seconds.unwrap_or(900);
                self.schedule.succeeded(interval, now, random);
                // Heard of in passing: what else the vendor called back.
                let _ = self.client.fetch_revocations();
            }
            // Too many asked, or the server is in trouble: no answer about the license.
            Err(Error::Refused { code, .. }) if is_passing(&code) => {
                self.online = false;
                self.schedule.failed(self.client.retry_after(), now, random);
            }
            Err(Error::Refused { code, detail }) => {
                self.refused = Some((code, detail));
                self.online = true;
                self.schedule.failed(None, now, random);
            }
            Err(_) => {
                self.online = false;
                self.schedule.failed(None, now, random);
            }
        }
    }

    /// Keeps ticking on a thread of its own and tells each change of status.
    pub fn spawn(self, tell: impl FnMut(&Status) + Send + 'static) -> Background {
        Background::start(self, tell)
    }
}

fn is_passing(code: &str) -> bool {
    matches!(
        code,
        "RATE_LIMITED" | "OVERLOADED" | "UNAVAILABLE" | "INTERNAL" | "READ_MODEL_BEHIND" | "CONTENDED"
    )
}

#[expect(clippy::disallowed_methods, reason = "the client library is an edge of its own")]
fn random() -> f64 {
    rand::thread_rng().r#gen()
}

/// A session that runs by itself; dropping it ends the thread.
pub struct Background {
    session: Arc<Mutex<Session>>,
    ending: Arc<(AtomicBool, Mutex<()>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    fn start(session: Session, mut tell: impl FnMut(&Status) + Send + 'static) -> Self {
        let session = Arc::new(Mutex::new(session));
        let ending = Arc::new((AtomicBool::new(false), Mutex::new(()), Condvar::new()));
        let (own, end) = (Arc::clone(&session), Arc::clone(&ending));
        let thread = std::thread::spawn(move || {
            let mut last: Option<Status> = None;
            while !end.0.load(Ordering::SeqCst) {
                let status = own.lock().unwrap_or_else(PoisonError::into_inner).tick();
                if last.as_ref() != Some(&status) {
                    tell(&status);
                    last = Some(status);
                }
                let wait = own
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .schedule()
                    .wait_seconds(now());
                // A lease can end between two contacts: look at least once a minute.
                let wait = Duration::from_secs(wait.clamp(1, 60).cast_unsigned());
                let guard = end.1.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = end.2.wait_timeout(guard, wait);
            }
        });
        Self {
            session,
            ending,
            thread: Some(thread),
        }
    }

    /// Adds to what the next beat reports.
    pub fn report(&self, usage: &Usage) {
        self.session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .report(usage);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ending.0.store(true, Ordering::SeqCst);
        self.ending.2.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_start_anew_after_success() {
        let (mut schedule, now) = (Schedule::default(), Timestamp::from_millis(0));
        assert!(schedule.is_due(now));
        let waits: Vec<i64> = (0..10)
            .map(|_| {
                schedule.failed(None, now, 0.0);
                schedule.wait_seconds(now)
            })
            .collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        schedule.failed(None, now, 1.0);
        assert_eq!(schedule.wait_seconds(now), 1_125, "a quarter at random");
        schedule.succeeded(900, now, 1.0);
        assert_eq!(schedule.wait_seconds(now), 675, "early rather than late");
        schedule.failed(Some(60), now, 0.0);
        assert_eq!(schedule.wait_seconds(now), 60, "the server's word counts");
    }
}
