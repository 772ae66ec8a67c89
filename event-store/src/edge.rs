//! Where time and randomness enter: nowhere else, so that everything behind it can be tested exactly.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use licet_domain::values::Timestamp;
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// The clock and the source of randomness of one process.
#[derive(Clone)]
pub struct Edge {
    clock: Clock,
    random: Arc<Mutex<StdRng>>,
}

#[derive(Clone)]
enum Clock {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Edge {
    /// The machine's clock, and a generator seeded by the operating system.
    pub fn system() -> Self {
        Self {
            clock: Clock::System,
            random: Arc::new(Mutex::new(StdRng::from_entropy())),
        }
    }

    /// A clock that stands still until [`Edge::advance`], and a generator that repeats itself. For tests.
    pub fn fixed(now: Timestamp, seed: u64) -> Self {
        let clock = Clock::Fixed(Arc::new(AtomicI64::new(now.millis())));
        Self {
            clock,
            random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
        }
    }

    /// Moves a fixed clock; the machine's clock does not listen.
    pub fn advance(&self, seconds: i64) {
        if let Clock::Fixed(millis) = &self.clock {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::System => time::OffsetDateTime::now_utc().into(),
            Clock::Fixed(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// A new id: UUID version 7, so that ids sort by the time at which they were made.
    pub fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// Random bytes, fit for keys.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        random.fill_bytes(&mut bytes);
        bytes
    }

    /// A fresh secret for a webhook, as Standard Webhooks writes it: `whsec_` and 24 bytes in base64.
    pub fn webhook_secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.bytes::<24>()))
    }
}
