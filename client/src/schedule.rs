//! When the server is contacted next.

use licet_domain::values::Timestamp;

/// The first wait after a failure; each further one doubles it.
const FIRST_WAIT: i64 = 5;
/// The longest wait between two tries; an interval that is shorter is not waited longer for.
const MAX_WAIT: i64 = 900;

/// When the next contact is due: after the server's interval, or after a failure with a wait that doubles, each with a
/// quarter of it at random, so that a thousand machines that lost the network together do not come back together.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    next: Option<Timestamp>,
    /// When that was decided: a clock that shows less was set back, and says nothing about the wait.
    decided_at: Option<Timestamp>,
    failures: u32,
    /// How often the server wants to hear from this machine, once it has said so.
    interval: Option<u32>,
}

impl Schedule {
    /// Whether a contact is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_none_or(|next| next <= now) || self.decided_at.is_some_and(|at| now < at)
    }

    /// Seconds until the next contact.
    pub fn wait_seconds(&self, now: Timestamp) -> i64 {
        if self.is_due(now) {
            return 0;
        }
        self.next.map_or(0, |next| (next.seconds() - now.seconds()).max(0))
    }

    /// After a contact; `random` is from 0 to 1.
    pub fn succeeded(&mut self, interval_seconds: u32, now: Timestamp, random: f64) {
        (self.failures, self.interval) = (0, Some(interval_seconds));
        // Early rather than late: a floating seat is held only for so long.
        let interval = f64::from(interval_seconds);
        self.next = Some(now.plus_seconds((interval - interval / 4.0 * random) as i64));
        self.decided_at = Some(now);
    }

    /// After a failure; a server that said when to come back is heeded.
    pub fn failed(&mut self, retry_after_seconds: Option<u32>, now: Timestamp, random: f64) {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        let longest = self
            .interval
            .map_or(MAX_WAIT, |seconds| i64::from(seconds).clamp(FIRST_WAIT, MAX_WAIT));
        let wait = doubled.min(longest).max(i64::from(retry_after_seconds.unwrap_or(0)));
        self.failures = self.failures.saturating_add(1);
        self.next = Some(now.plus_seconds(wait + (wait as f64 / 4.0 * random) as i64));
        self.decided_at = Some(now);
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
        schedule.succeeded(60, now, 0.0);
        let waits: Vec<i64> = (0..6)
            .map(|_| {
                schedule.failed(None, now, 0.0);
                schedule.wait_seconds(now)
            })
            .collect();
        assert_eq!(
            waits,
            [5, 10, 20, 40, 60, 60],
            "a seat that is held for a minute is not left alone for more"
        );
        schedule.succeeded(900, now, 1.0);
        schedule.failed(Some(60), now, 0.0);
        assert_eq!(schedule.wait_seconds(now), 60, "the server's word counts");
        assert!(
            schedule.is_due(now.plus_seconds(-1)),
            "a clock that was set right makes nobody wait"
        );
    }
}
