//! Rate limits: by license or activation and address, and wider ones by address and by credential.
//!
//! A sliding window over two fixed ones. Each node decides by itself, without waiting; once a second it tells the others
//! what it has admitted for the keys that are used a lot, and hears what they have. So N nodes together admit at most the
//! limit, a tenth of it more for each further node, and what arrives within one second.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use licet_domain::values::{AddressRange, Timestamp};
use licet_event_store::StoreError;
use licet_projections::nodes::{
    login_failures,
    rates::{self, NodeCount, OtherNodes},
};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::{
    App,
    problem::{Problem, Result},
};

/// How much wider the limit of an address is, so that an office behind one is not refused.
const ADDRESS: u64 = 50;
/// How much wider the limit of a credential is: one API key is in every copy of a program.
const CREDENTIAL: u64 = 500;
/// Keys in memory.
const KEYS: u64 = 200_000;

/// So many requests in so much time, such as `100 per minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    limit: u64,
    window_seconds: i64,
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let told = || format!("{text:?} is no rate such as \"100 per minute\" (second, minute, hour, day)");
        let (limit, unit) = text.split_once(" per ").ok_or_else(told)?;
        let window_seconds = match unit.trim() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return Err(told()),
        };
        let limit = limit.trim().parse().ok().filter(|limit| *limit > 0).ok_or_else(told)?;
        Ok(Self { limit, window_seconds })
    }
}

/// Where a caller stands with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimitState {
    limit: u64,
    remaining: u64,
    reset_seconds: i64,
    admitted: bool,
}

/// The tightest limit that a request has met; the envelope writes its headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateLimitSlot {
    tightest: Arc<Mutex<Option<RateLimitState>>>,
    settled: Arc<AtomicBool>,
}

impl RateLimitSlot {
    /// Whatever else the request makes is part of it, and counts no more.
    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    fn keep(&self, rate_limit: RateLimitState) {
        let mut kept = self.tightest.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none_or(|known| rate_limit.remaining <= known.remaining) {
            *kept = Some(rate_limit);
        }
    }

    /// `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`, and `Retry-After` for whoever was refused.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Some(rate_limit) = *self.tightest.lock().unwrap_or_else(PoisonError::into_inner) else {
            return;
        };
        headers.insert("ratelimit-limit", rate_limit.limit.into());
        headers.insert("ratelimit-remaining", rate_limit.remaining.into());
        headers.insert("ratelimit-reset", HeaderValue::from(rate_limit.reset_seconds));
        if !rate_limit.admitted {
            headers.insert("retry-after", HeaderValue::from(rate_limit.reset_seconds.max(1)));
        }
    }
}

/// What is said beyond a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    code: &'static str,
    consolation: &'static str,
}

impl Refusal {
    /// Of requests to the API.
    pub(crate) const API: Self = Self {
        code: "RATE_LIMITED",
        consolation: "A lease stays valid meanwhile.",
    };
    /// Of tries to get in.
    pub(crate) const LOGIN: Self = Self {
        code: "LOGIN_RATE_LIMITED",
        consolation: "Whoever is signed in stays so meanwhile.",
    };
}

/// The counters of this node.
pub(crate) struct RateLimits {
    rate: Rate,
    /// What whoever is refused hears.
    refusal: Refusal,
    counters: Cache<[u8; 16], Arc<Mutex<Counter>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counter {
    window: i64,
    own: u64,
    others: u64,
    /// What this node and the others admitted in the window before.
    own_before: u64,
    others_before: u64,
    told: u64,
    limit: u64,
}

impl Counter {
    /// Moves on to a window; what was admitted in the one before still weighs. A request that was slow may come a window
    /// late; a window further ahead than that was a clock's error, and is left.
    fn advance(&mut self, window: i64) {
        if window > self.window || window + 1 < self.window {
            let (own_before, others_before) = if window == self.window + 1 {
                (self.own, self.others)
            } else {
                (0, 0)
            };
            *self = Self {
                window,
                own_before,
                others_before,
                limit: self.limit,
                ..Self::default()
            };
        }
    }

    fn admit(&mut self, rate: Rate, limit: u64, now: Timestamp) -> RateLimitState {
        let length = rate.window_seconds * 1000;
        self.limit = limit;
        self.advance(now.millis().div_euclid(length));
        let elapsed = now.millis() - self.window * length;
        let left = (length - elapsed).clamp(0, length);
        let weighed = u128::from(self.own_before + self.others_before) * u128::from(left.cast_unsigned())
            / u128::from(length.cast_unsigned());
        let used = u64::try_from(weighed)
            .unwrap_or(u64::MAX)
            .saturating_add(self.own + self.others);
        let admitted = used < limit;
        self.own += u64::from(admitted);
        RateLimitState {
            limit,
            remaining: limit.saturating_sub(used + 1),
            reset_seconds: (left + 999) / 1000,
            admitted,
        }
    }
}

fn lock(counter: &Mutex<Counter>) -> MutexGuard<'_, Counter> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Client(&'a str, IpAddr),
    Address(IpAddr),
    Credential(&'a str),
    LoginAccount(&'a str),
    LoginAddress(IpAddr),
}

impl Key<'_> {
    fn digest(self) -> [u8; 16] {
        let text = match self {
            Self::Client(client, address) => format!("client\n{}\n{client}", AddressRange::of(address)),
            Self::Address(address) => format!("address\n{}", AddressRange::of(address)),
            Self::Credential(name) => format!("credential\n{name}"),
            Self::LoginAccount(account) => format!("login account\n{account}"),
            Self::LoginAddress(address) => format!("login address\n{}", AddressRange::of(address)),
        };
        let digest = Sha256::digest(text);
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        short
    }
}

impl RateLimits {
    pub(crate) fn new(rate: Rate, refusal: Refusal) -> Self {
        let idle = Duration::from_secs(rate.window_seconds.cast_unsigned() * 2);
        let counters = Cache::builder().max_capacity(KEYS).time_to_idle(idle).build();
        Self {
            rate,
            refusal,
            counters,
        }
    }

    fn check(&self, key: Key<'_>, factor: u64, slot: &RateLimitSlot, now: Timestamp) -> Result<()> {
        if slot.settled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let counter = self.counters.get_with(key.digest(), Arc::default);
        let rate_limit = lock(&counter).admit(self.rate, self.rate.limit.saturating_mul(factor), now);
        slot.keep(rate_limit);
        if rate_limit.admitted {
            return Ok(());
        }
        let detail = format!(
            "Too many requests: try again in {} seconds. {}",
            rate_limit.reset_seconds.max(1),
            self.refusal.consolation
        );
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, self.refusal.code, detail))
    }

    /// Before anything else is looked at.
    pub(crate) fn by_address(&self, address: Option<IpAddr>, slot: &RateLimitSlot, now: Timestamp) -> Result<()> {
        address.map_or(Ok(()), |address| self.check(Key::Address(address), ADDRESS, slot, now))
    }

    /// Once the credential is known.
    pub(crate) fn by_credential(&self, name: &str, slot: &RateLimitSlot, now: Timestamp) -> Result<()> {
        self.check(Key::Credential(name), CREDENTIAL, slot, now)
    }

    /// Once it is known which license or activation is asked about.
    pub(crate) fn by_client(
        &self,
        client: &str,
        address: Option<IpAddr>,
        slot: &RateLimitSlot,
        now: Timestamp,
    ) -> Result<()> {
        let address = address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        self.check(Key::Client(client, address), 1, slot, now)
    }

    /// Once it is known as whom someone tries to get in; the address and the account have a limit each.
    pub(crate) fn by_login(
        &self,
        account: &str,
        address: Option<IpAddr>,
        slot: &RateLimitSlot,
        now: Timestamp,
    ) -> Result<()> {
        address.map_or(Ok(()), |address| self.check(Key::LoginAddress(address), 1, slot, now))?;
        self.check(Key::LoginAccount(account), 1, slot, now)
    }

    async fn share(&self, app: &App) -> std::result::Result<(), StoreError> {
        let news = self.news();
        if news.is_empty() {
            return Ok(());
        }
        let pool = app.platform.log.pool();
        let others = rates::share(pool, app.node, self.rate.window_seconds, &news).await?;
        news.iter()
            .zip(others)
            .for_each(|(told, others)| self.hear(told, others));
        Ok(())
    }

    /// What is worth telling: keys of which a tenth of the limit is used, where there is news.
    fn news(&self) -> Vec<NodeCount> {
        let mut news = Vec::new();
        for (key, counter) in &self.counters {
            let counter = lock(&counter);
            if counter.own > counter.told && counter.own * 10 >= counter.limit {
                news.push(NodeCount {
                    key: *key,
                    window_begins: counter.window * self.rate.window_seconds,
                    count: counter.own.cast_signed(),
                });
            }
        }
        news
    }

    fn hear(&self, told: &NodeCount, others: OtherNodes) {
        if let Some(counter) = self.counters.get(&told.key) {
            let mut counter = lock(&counter);
            if counter.window * self.rate.window_seconds == told.window_begins {
                counter.told = told.count.cast_unsigned();
                counter.others = others.now.max(0).cast_unsigned();
                counter.others_before = others.before.max(0).cast_unsigned();
            }
        }
    }
}

/// Tells the other nodes and hears from them, once a second, until the server ends.
pub(crate) async fn share(app: App) {
    let mut ending = app.ending.clone();
    let mut since_sweep = 0;
    loop {
        let ended = tokio::time::timeout(Duration::from_secs(1), ending.wait_for(|ending| *ending))
            .await
            .is_ok();
        if ended {
            return;
        }
        let both = [&app.limits, &app.login_limits];
        for limits in both {
            if let Err(error) = limits.share(&app).await {
                tracing::warn!(%error, "rate counts could not be shared; this node limits by itself");
            }
        }
        since_sweep += 1;
        if since_sweep == 60 {
            since_sweep = 0;
            let longest = both.map(|limits| limits.rate.window_seconds).into_iter().max();
            let before = app.platform.edge.now().seconds() - 2 * longest.unwrap_or_default();
            if let Err(error) = rates::sweep(app.platform.log.pool(), before).await {
                tracing::warn!(%error, "old rate counts could not be dropped");
            }
            let lock_out = app.settings.sign_in.rules.lock_out.seconds;
            let before = app.platform.edge.now().plus_seconds(-lock_out);
            if let Err(error) = login_failures::sweep(app.platform.log.pool(), before).await {
                tracing::warn!(%error, "old failures to sign in could not be dropped");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        limit: 10,
        window_seconds: 60,
    };

    fn admitted(counter: &mut Counter, requests: usize, second: i64) -> usize {
        let now = Timestamp::from_millis(1_800_000_000_000).plus_seconds(second);
        (0..requests).filter(|_| counter.admit(RATE, 10, now).admitted).count()
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!("10 per minute".parse::<Rate>(), Ok(RATE));
        for text in ["10", "0 per minute", "-1 per hour", "ten per day", "10 per week"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn no_more_than_the_limit_in_a_window_and_over_its_edge() {
        let mut counter = Counter::default();
        assert_eq!(admitted(&mut counter, 50, 0), 10);
        assert_eq!(admitted(&mut counter, 50, 59), 0);
        assert_eq!(admitted(&mut counter, 50, 60), 0, "the window before weighs in full");
        assert_eq!(admitted(&mut counter, 50, 90), 5);
        assert_eq!(admitted(&mut counter, 50, 600), 10);
    }

    #[test]
    fn what_other_nodes_admitted_counts() {
        let limits = RateLimits::new(RATE, Refusal::API);
        let (slot, now) = (RateLimitSlot::default(), Timestamp::from_millis(1_800_000_000_000));
        for _ in 0..3 {
            limits.by_client("a", None, &slot, now).unwrap();
        }
        let news = limits.news();
        assert_eq!(news.iter().map(|one| one.count).collect::<Vec<_>>(), [3]);
        limits.hear(&news[0], OtherNodes { now: 6, before: 0 });
        assert!(limits.by_client("a", None, &slot, now).is_ok());
        assert_eq!(
            limits.by_client("a", None, &slot, now).unwrap_err().code,
            "RATE_LIMITED"
        );
        assert!(limits.by_client("b", None, &slot, now).is_ok());
        let next = now.plus_seconds(RATE.window_seconds);
        limits.by_client("c", None, &slot, next).unwrap();
        let news = limits.news();
        let news = news
            .iter()
            .find(|one| one.window_begins > next.seconds() - 60 && one.count == 1);
        limits.hear(news.unwrap(), OtherNodes { now: 0, before: 10 });
        assert!(
            limits.by_client("c", None, &slot, next).is_err(),
            "what others admitted in the window before still weighs"
        );
    }
}
