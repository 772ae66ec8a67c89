//! Machines that ask all the time, by the client library, through nginx by TLS; they keep their own books.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use licet_client::{Client, Error, Fingerprint, Store, Usage};
use licet_test_support::{API_KEY, Nginx, Server};
use serde_json::json;

/// How often a program asks whether it may run.
const VERIFY_EVERY: Duration = Duration::from_millis(250);
/// Who asks whether it may run.
const PROGRAMS: std::ops::Range<u32> = 3..5;
/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// Seats of the license that more machines want.
pub(crate) const SEATS: usize = 5;
/// Machines that come and go on it.
const CONTENDERS: u32 = 12;

/// Never one that has a seat since something happened before: it would be answered without anything being recorded.
static NEXT_MACHINE: AtomicU32 = AtomicU32::new(0);

/// Where they ask, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Vendor {
    pub(crate) server: String,
    pub(crate) certificate: Vec<u8>,
    /// A license with room for everyone.
    pub(crate) roomy: String,
    /// A license with fewer seats than machines want.
    pub(crate) scarce: String,
}

impl Vendor {
    /// Issues what they ask for.
    pub(crate) fn open(server: &Server, nginx: &Nginx) -> Self {
        let (_, roomy) = server.issue("roomy", &json!({ "seats": 1_000_000 }));
        let (_, scarce) = server.issue("scarce", &json!({ "seats": SEATS }));
        Self {
            server: nginx.tls.clone(),
            certificate: nginx.certificate.clone(),
            roomy,
            scarce,
        }
    }
}

/// What was acknowledged, and when.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Activations of the roomy license: when it was asked for, when it was answered, its id, its place in the log.
    pub(crate) activations: Vec<(Instant, Instant, String, i64)>,
    /// Beats that were acknowledged, by activation.
    pub(crate) beats: Vec<String>,
    /// When which program was told that it may run, and whether the server said so or its lease.
    pub(crate) verdicts: Vec<(u32, Instant, bool)>,
    /// When a program was told that it must not run, and why.
    pub(crate) wronged: Vec<String>,
    /// What went wrong on the way, and when.
    pub(crate) errors: Vec<(Instant, String)>,
}

impl Books {
    /// The longest between two answers to activations, from a moment on.
    pub(crate) fn outage(&self, from: Instant) -> Duration {
        longest(self.activations.iter().map(|(_, answered, ..)| *answered), from)
    }

    /// The longest that a program waited for a verdict, by the server or by its lease, from a moment on.
    pub(crate) fn silence(&self, from: Instant) -> Duration {
        let heard = |program: u32| {
            let own = self.verdicts.iter().filter(move |(number, ..)| *number == program);
            longest(own.map(|(_, at, _)| *at), from)
        };
        PROGRAMS.map(heard).max().unwrap_or_default()
    }

    /// How many verdicts came from leases.
    pub(crate) fn by_lease(&self) -> usize {
        self.verdicts.iter().filter(|(.., by_server)| !by_server).count()
    }
}

/// The longest between two of these moments, from a moment on.
fn longest(moments: impl Iterator<Item = Instant>, from: Instant) -> Duration {
    let mut moments: Vec<Instant> = moments.collect();
    moments.sort();
    let gaps = moments.windows(2).filter(|pair| pair[1] > from);
    gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// The machines, until they are stopped.
pub(crate) struct Fleet {
    books: Arc<Mutex<Books>>,
    ending: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Fleet {
    pub(crate) fn start(vendor: &Vendor, folder: &Path) -> Self {
        let (books, ending) = (Arc::<Mutex<Books>>::default(), Arc::<AtomicBool>::default());
        let worker = |number: u32| Worker {
            vendor: vendor.clone(),
            file: folder.join(format!("machine-{number}")),
            books: Arc::clone(&books),
            ending: Arc::clone(&ending),
        };
        let mut threads = Vec::new();
        for number in 0..3 {
            let worker = worker(number);
            threads.push(thread::spawn(move || worker.activates()));
        }
        for number in PROGRAMS {
            let worker = worker(number);
            threads.push(thread::spawn(move || worker.runs(number)));
        }
        for number in 5..7 {
            let worker = worker(number);
            threads.push(thread::spawn(move || worker.contends(number)));
        }
        Self { books, ending, threads }
    }

    pub(crate) fn books<T>(&self, read: impl FnOnce(&Books) -> T) -> T {
        read(&self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the first activation was answered that was asked for since; `None` if none was yet.
    pub(crate) fn activation_since(&self, since: Instant) -> Option<Instant> {
        self.books(|books| {
            let mut later = books.activations.iter().filter(|(asked, ..)| *asked > since);
            later.next().map(|(_, answered, ..)| *answered)
        })
    }

    /// Waits for one that is asked for from now on.
    pub(crate) fn expect_activation(&self, patience: Duration) {
        let now = Instant::now();
        while self.activation_since(now).is_none() {
            assert!(now.elapsed() < patience, "nothing is recorded");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(self) -> Books {
        self.ending.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().unwrap();
        }
        std::mem::take(&mut *self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Worker {
    vendor: Vendor,
    file: std::path::PathBuf,
    books: Arc<Mutex<Books>>,
    ending: Arc<AtomicBool>,
}

impl Worker {
    fn ends(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    fn note(&self, note: impl FnOnce(&mut Books)) {
        note(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn client(&self) -> Client {
        let _ = std::fs::remove_file(&self.file);
        let store = Store::open(&self.file).unwrap();
        Client::with_roots(&self.vendor.server, API_KEY, store, &self.vendor.certificate).unwrap()
    }

    /// Asks until there is an answer, as the library asks its users to; `None` at the end.
    fn insist<T>(&self, mut ask: impl FnMut() -> Result<T, Error>) -> Option<Result<T, Error>> {
        loop {
            match ask() {
                Err(Error::Refused { code, detail }) if !is_passing(&code) => {
                    return Some(Err(Error::Refused { code, detail }));
                }
                Err(error) => {
                    self.note(|books| books.errors.push((Instant::now(), error.to_string())));
                    if self.ends() {
                        return None;
                    }
                    thread::sleep(AGAIN);
                }
                answered => return Some(answered),
            }
        }
    }

    /// One new machine after the other, which beats once.
    fn activates(&self) {
        while !self.ends() {
            let machine = fingerprint(NEXT_MACHINE.fetch_add(1, Ordering::SeqCst));
            let mut client = self.client();
            let asked = Instant::now();
            let answer = self.insist(|| client.activate(&self.vendor.roomy, &machine, None));
            let Some(answer) = answer else { return };
            let answer = answer.unwrap();
            let (id, position) = (answer.activation_id, answer.position);
            self.note(|books| books.activations.push((asked, Instant::now(), id.clone(), position)));
            // Each try is a beat of its own here: at least those that were answered are in the log.
            if client.heartbeat(&Usage::default(), None).is_ok() {
                self.note(|books| books.beats.push(id));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A program that asks whether it may run, and asks its lease where nobody answers.
    fn runs(&self, number: u32) {
        let machine = fingerprint(1_000_000 + number);
        let mut client = self.client();
        let Some(activated) = self.insist(|| client.activate(&self.vendor.roomy, &machine, None)) else {
            return;
        };
        activated.unwrap();
        while !self.ends() {
            match client.verify(&self.vendor.roomy, &machine, None, &[]) {
                Ok(answer) if answer.code == "VALID" => {
                    self.note(|books| books.verdicts.push((number, Instant::now(), true)));
                }
                Ok(answer) => self.note(|books| books.wronged.push(format!("verify says {}", answer.code))),
                Err(error) => {
                    self.note(|books| books.errors.push((Instant::now(), error.to_string())));
                    let lease = client.store().check_offline(&machine, None, &[]);
                    self.note(|books| match lease {
                        Ok(_) => books.verdicts.push((number, Instant::now(), false)),
                        Err(error) => books.wronged.push(format!("its lease says {error}")),
                    });
                }
            }
            thread::sleep(VERIFY_EVERY);
        }
    }

    /// Machines that want more seats than there are, and leave again.
    fn contends(&self, number: u32) {
        for turn in 0.. {
            if self.ends() {
                return;
            }
            let machine = fingerprint(2_000_000 + number * CONTENDERS + turn % CONTENDERS);
            let mut client = self.client();
            match self.insist(|| client.activate(&self.vendor.scarce, &machine, None)) {
                Some(Ok(_)) if turn % 3 == 0 => {
                    // It may have been done already when the answer was lost.
                    let _ = self.insist(|| client.deactivate(&self.vendor.scarce, &machine));
                }
                Some(Err(Error::Refused { code, detail })) if code != "ACTIVATION_LIMIT_REACHED" => {
                    self.note(|books| books.wronged.push(format!("{code}: {detail}")));
                }
                _ => {}
            }
            thread::sleep(Duration::from_millis(60));
        }
    }
}

/// Refusals that say nothing of the license: who hears them asks again.
fn is_passing(code: &str) -> bool {
    matches!(code, "UNAVAILABLE" | "OVERLOADED" | "READ_MODEL_BEHIND")
}

fn fingerprint(number: u32) -> Fingerprint {
    Fingerprint {
        mac_addresses: vec![format!(
            "3c:53:{:02x}:{:02x}:{:02x}:{:02x}",
            number >> 24,
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255
        )],
        cpu_id: Some("one model for all".to_owned()),
        system_uuid: Some(format!("00000000-0000-4000-8000-{:012x}", u64::from(number) + 1)),
        ..Fingerprint::default()
    }
}
