//! A licensed program's whole life: start, beat, lose the network, stay valid inside the lease, refuse after it, come back.

use std::fs::File;

use licet_domain::values::Timestamp;
use rand::Rng as _;

use crate::{
    Background, Client, Error, Fingerprint, Licensed, Schedule, Usage, client::is_verdict, server_clock::ServerClock,
    state::PendingUsage, store::now,
};

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
    /// It must not, and why: a code of the contract; or `CLOCK_SET_BACK`, `OTHER_MACHINE`, and `OFFLINE` where no lease
    /// holds and the server is out of reach.
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

/// One program on one machine with one license.
pub struct Session {
    client: Client,
    machine: Fingerprint,
    license_key: String,
    app_version: Option<String>,
    schedule: Schedule,
    /// What is to be reported, and what the last beat reported until the server has confirmed it. Kept in the state file.
    unsent: PendingUsage,
    /// Held by the one session that keeps and reports what is unsent.
    claim: Option<File>,
    /// The server's time at the last contact, and what this machine's clocks showed then.
    server_clock: Option<ServerClock>,
    /// When the list of leases that were called back was fetched.
    heard_at: Option<Timestamp>,
    /// The token that this session has used.
    token: Option<String>,
    /// Whether the vendor ended this machine's seat: only a new start asks for another.
    ended: bool,
    /// What the server refused with, until it says otherwise.
    refused: Option<(String, String)>,
    problem: Option<Error>,
    online: bool,
}

impl Session {
    /// A session that contacts the server at its first [`Session::tick`]. What an earlier one of the same license did
    /// not get to report is reported by this one.
    pub fn new(mut client: Client, license_key: &str, machine: Fingerprint, app_version: Option<&str>) -> Self {
        let claim = client.store().claim_unsent();
        let state = client.store().state();
        Self {
            unsent: if state.is_of(license_key) && claim.is_some() {
                state.unsent.clone()
            } else {
                PendingUsage::default()
            },
            claim,
            client,
            machine,
            license_key: license_key.to_owned(),
            app_version: app_version.map(str::to_owned),
            schedule: Schedule::default(),
            server_clock: None,
            heard_at: None,
            token: None,
            ended: false,
            refused: None,
            problem: None,
            online: false,
        }
    }

    /// Adds to what the next beat reports.
    pub fn report(&mut self, usage: &Usage) {
        self.unsent.usage.add(usage);
    }

    /// The client underneath.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// When the next contact is due.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// What went wrong at the last contact, for people who look for it: also where the lease still holds.
    pub fn last_problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// Contacts the server where that is due, and says whether the program may run. Never waits otherwise.
    pub fn tick(&mut self) -> Status {
        self.tick_at(now())
    }

    /// The same by another clock.
    pub fn tick_at(&mut self, now: Timestamp) -> Status {
        if self.schedule.is_due(now) {
            self.contact(now);
        }
        self.keep_unsent();
        if let Some((code, detail)) = &self.refused {
            return Status::Refused {
                code: code.clone(),
                detail: detail.clone(),
            };
        }
        let version = self.app_version.as_deref();
        let store = self.client.store();
        let checked = match &self.server_clock {
            Some(server_clock) => store.check_by_server(&self.machine, version, &[], server_clock.time(now)),
            None => store.check_offline_at(&self.machine, version, &[], now),
        };
        match checked {
            Ok(license) => Status::Licensed {
                license,
                online: self.online,
            },
            Err(error) => Status::Refused {
                code: code_of(&error).to_owned(),
                detail: error.to_string(),
            },
        }
    }

    /// One contact, and when the next one is due.
    fn contact(&mut self, now: Timestamp) {
        self.problem = None;
        // What another program with the same file has heard of the server is no answer to this one.
        self.client.store().reload();
        let told = self.client.store().state().told;
        let outcome = self.beat_or_activate();
        let newly_told = Some(self.client.store().state().told).filter(|newly| *newly != told);
        if let Some(server) = newly_told.map(Timestamp::from_millis) {
            self.server_clock = Some(ServerClock::at(server, now));
        }
        let random = random();
        match outcome {
            Ok(refused) => {
                self.token.clone_from(&self.client.store().state().token);
                self.refused = refused;
                self.online = true;
                let interval = self.client.store().state().heartbeat_seconds.unwrap_or(900);
                self.schedule.succeeded(interval, now, random);
            }
            Err(Error::Refused { code, detail }) if is_verdict(&code) => {
                if code == "TOKEN_REVOKED" {
                    self.end();
                }
                self.refused = Some((code, detail));
                self.online = true;
                self.schedule.failed(None, now, random);
            }
            // Too many asked, the server is in trouble, a credential was changed: no answer about the license.
            Err(error) => {
                self.online = false;
                self.schedule.failed(self.client.retry_after(), now, random);
                self.problem = Some(error);
            }
        }
        // Once a day, for the time without a network: what the vendor called back, this machine's own lease perhaps.
        let heard = self.heard_at.is_some_and(|at| (at..at.plus_days(1)).contains(&now));
        if self.online && (!heard || self.refused.is_some()) && self.client.fetch_revocations().is_ok() {
            self.heard_at = Some(now);
        }
    }

    /// Beats where this machine has a token, and activates where it has none, where the token's time is over, and where
    /// what is kept belongs to another key or another machine.
    fn beat_or_activate(&mut self) -> Result<Option<(String, String)>, Error> {
        // Another program with the same file has heard that the seat was ended.
        let gone = self.token.is_some() && self.client.store().state().token.is_none();
        if self.ended || gone {
            self.ended = true;
            let ended = || {
                (
                    "TOKEN_REVOKED".to_owned(),
                    "the vendor ended this machine's seat".to_owned(),
                )
            };
            return Ok(Some(self.refused.clone().unwrap_or_else(ended)));
        }
        if self.is_known_here() {
            match self.beat() {
                Err(Error::Refused { code, .. }) if code == "TOKEN_EXPIRED" || code == "UNAUTHENTICATED" => {}
                beaten => return beaten,
            }
        }
        let version = self.app_version.as_deref();
        self.client
            .activate(&self.license_key, &self.machine, version)
            .map(|_| None)
    }

    /// The token is good for nothing, and is not kept for the next start; one that another program got since is.
    fn end(&mut self) {
        self.ended = true;
        let revoked = self.client.store().state().token.clone();
        let _ = self.client.store().update(|state| {
            if state.token == revoked {
                state.token = None;
            }
        });
    }

    fn is_known_here(&mut self) -> bool {
        let store = self.client.store();
        let state = store.state();
        let same = state.license_key.is_some() && state.is_of(&self.license_key);
        state.token.is_some() && same && !store.is_of_another(&self.machine)
    }

    fn beat(&mut self) -> Result<Option<(String, String)>, Error> {
        loop {
            let (nonce, usage) = self.unsent.next(crate::client::nonce);
            // Kept first: a beat that is sent again after a crash has to have the same nonce.
            self.keep_unsent();
            let version = self.app_version.as_deref();
            let beat = match self.client.heartbeat_as(&nonce, &usage, version) {
                // What cannot be counted must not keep the machine from being heard of, nor the rest from being counted.
                Err(Error::MeterUnknown(meter)) if usage.meters.contains_key(&meter) => {
                    self.unsent.without(&meter);
                    self.problem = Some(Error::MeterUnknown(meter));
                    continue;
                }
                Err(Error::Refused { code, detail }) if code == "VALIDATION_FAILED" => {
                    self.unsent.confirmed();
                    self.problem = Some(Error::Refused { code, detail });
                    self.client.heartbeat(&Usage::default(), version)?
                }
                beaten => beaten?,
            };
            self.unsent.confirmed();
            if beat.valid && self.client.store().state().lease.is_none() {
                // It was taken back and is given again; a beat brings another only when the old one is due.
                self.client.verify(&self.license_key, &self.machine, version, &[])?;
            }
            return Ok((!beat.valid).then_some((beat.code, beat.detail)));
        }
    }

    /// Keeps what is to be reported over the end of the program. That it cannot be kept is told by the next check. While
    /// another program with the same file keeps its own, this one's is in memory; once that has ended, this one goes on
    /// with what both have left.
    fn keep_unsent(&mut self) {
        if self.claim.is_none() {
            self.claim = self.client.store().claim_unsent();
            if self.claim.is_none() {
                return;
            }
            self.client.store().reload();
            let state = self.client.store().state();
            if state.is_of(&self.license_key) {
                self.unsent.take_over(state.unsent.clone());
            }
        }
        let unsent = self.unsent.clone();
        let _ = self.client.store().update(|state| state.unsent = unsent);
    }

    /// Keeps ticking on a thread of its own and tells each change of status.
    pub fn spawn(self, tell: impl FnMut(&Status) + Send + 'static) -> Background {
        Background::start(self, tell)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keep_unsent();
    }
}

fn code_of(error: &Error) -> &'static str {
    match error {
        Error::NotValid { code, .. } => code,
        Error::Revoked => "REVOKED",
        Error::ClockSetBack { .. } => "CLOCK_SET_BACK",
        Error::OtherMachine => "OTHER_MACHINE",
        _ => "OFFLINE",
    }
}

#[expect(clippy::disallowed_methods, reason = "the client library is an edge of its own")]
fn random() -> f64 {
    rand::thread_rng().r#gen()
}
