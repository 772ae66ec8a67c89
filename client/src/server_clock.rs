//! The server's time, carried on by this machine's clocks.

use std::time::Instant;

use licet_domain::values::Timestamp;

/// What the server's clock showed at a contact, and what this machine's clocks showed then. A machine whose clock is off
/// is judged by the server's time for as long as its program runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerClock {
    server: Timestamp,
    clock: Timestamp,
    ticks: Instant,
}

impl ServerClock {
    pub(crate) fn at(server: Timestamp, clock: Timestamp) -> Self {
        let ticks = Instant::now();
        Self { server, clock, ticks }
    }

    /// The server's time when this machine's clock shows `clock`. Ticks stand still while a machine sleeps, and a clock can
    /// be set: whichever has gone further counts.
    pub(crate) fn time(&self, clock: Timestamp) -> Timestamp {
        let ticked = i64::try_from(self.ticks.elapsed().as_millis()).unwrap_or(i64::MAX);
        let gone = ticked.max(clock.millis().saturating_sub(self.clock.millis()));
        Timestamp::from_millis(self.server.millis().saturating_add(gone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_does_no_harm_and_one_that_is_set_back_gains_nothing() {
        let (server, clock) = (Timestamp::from_millis(1_000_000), Timestamp::from_millis(4_600_000));
        let server_clock = ServerClock::at(server, clock);
        assert_eq!(
            server_clock.time(clock.plus_seconds(60)),
            server.plus_seconds(60),
            "an hour fast"
        );
        assert!(server_clock.time(clock.plus_seconds(-3_600)) >= server, "set back");
        assert_eq!(
            server_clock.time(clock.plus_days(3)),
            server.plus_days(3),
            "asleep, or set forward"
        );
    }
}
