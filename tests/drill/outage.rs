//! `./dev drill outage`: each cause happens to real parts, and its alert is seen to fire at Prometheus, to arrive at a
//! webhook, and to end once the cause is mended. Rules' minutes are seconds here.

use std::{
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{Pace, eventually};

use crate::{causes::CAUSES, scene::Scene};

/// The longest that an alert is waited for, or its end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(900);

/// What takes a database of three hosts.
const OF_HOSTS: &str = "`./dev drill failover` sees it";

/// What cannot be made to happen here, and why.
const NOT_TRIED: [(&str, &str); 12] = [
    ("AlertsUndelivered", "who would hear of it is who is not reached"),
    ("MailsWait", "the server of the drill sends no mail"),
    ("ContainerMemoryHigh", "cAdvisor cannot be had here"),
    ("ContainerTargetMissing", "cAdvisor cannot be had here"),
    (
        "TaskRestarted",
        "no task of the server can be made to panic from outside",
    ),
    ("DatabaseFailedOver", OF_HOSTS),
    ("DatabaseFailoverPaused", OF_HOSTS),
    ("DatabaseLeaderless", OF_HOSTS),
    ("DatabaseStandbyLost", OF_HOSTS),
    ("DatabaseStandbysLost", OF_HOSTS),
    ("EtcdMemberLost", OF_HOSTS),
    ("EtcdQuorumLost", OF_HOSTS),
];

/// What is held back while the database is down.
const HELD_BACK: [&str; 2] = ["ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly"];

/// What was seen of an alert.
struct Seen {
    alert: &'static str,
    cause: &'static str,
    fired_after: Duration,
    ended_after: Duration,
}

pub(crate) struct Outage {
    pub(crate) scene: Scene,
    seen: Vec<Seen>,
}

/// All causes, or those that are named.
pub(crate) fn run(names: &[String]) {
    let mut outage = Outage {
        scene: Scene::set(Pace::Hurried),
        seen: Vec::new(),
    };
    println!("waiting for everything to be well");
    let well = || outage.scene.monitoring.firing_of_licet() == ["Watchdog"];
    assert!(eventually(well), "{:?}", outage.scene.monitoring.firing());
    for (name, cause) in CAUSES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            cause(&mut outage);
        }
    }
    outage.report();
}

impl Outage {
    /// Waits until each of these alerts fires and is told, mends the cause, and waits until each has ended.
    pub(crate) fn expect<T>(
        &mut self,
        cause: &'static str,
        alerts: &[&'static str],
        broken: T,
        mend: impl FnOnce(&mut Self, T),
    ) {
        println!("{cause}: waiting for {}", alerts.join(", "));
        let begun = Instant::now();
        let mut fired = Vec::new();
        for alert in alerts {
            self.wait(alert, |firing| firing.iter().any(|name| name == alert));
            fired.push(begun.elapsed());
        }
        // What is over at once is told to nobody.
        for alert in alerts.iter().filter(|alert| !HELD_BACK.contains(alert)) {
            let before = self.seen.iter().filter(|seen| seen.alert == *alert).count();
            self.wait(alert, |_| self.told(alert, "firing") > before);
        }
        mend(self, broken);
        let mended = Instant::now();
        for (alert, fired_after) in alerts.iter().zip(fired) {
            self.wait(alert, |firing| firing.iter().all(|name| name != alert));
            self.seen.push(Seen {
                alert,
                cause,
                fired_after,
                ended_after: mended.elapsed(),
            });
        }
    }

    fn wait(&self, what: &str, holds: impl Fn(&[String]) -> bool) {
        let begun = Instant::now();
        loop {
            let firing = self.scene.monitoring.firing();
            if holds(&firing) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: {firing:?}");
            thread::sleep(Duration::from_millis(250));
        }
    }

    /// How often an alert was told to people.
    fn told(&self, alert: &str, status: &str) -> usize {
        let told = self.scene.told();
        told.iter()
            .filter(|(name, kind)| name == alert && kind == status)
            .count()
    }

    fn report(&self) {
        // The last ones are on their way.
        thread::sleep(Duration::from_secs(5));
        let arrived = |alert: &str, status: &str| self.told(alert, status) > 0;
        println!("\n| alert | cause | fired after | ended after | told to people |\n| --- | --- | --- | --- | --- |");
        for Seen {
            alert,
            cause,
            fired_after,
            ended_after,
        } in &self.seen
        {
            let told = match (arrived(alert, "firing"), arrived(alert, "resolved")) {
                (true, true) => "begin and end",
                (true, false) => "begin",
                _ if HELD_BACK.contains(alert) => "no: DatabaseDown says why",
                _ => panic!("{alert} was told to nobody"),
            };
            println!(
                "| {alert} | {cause} | {} s | {} s | {told} |",
                fired_after.as_secs(),
                ended_after.as_secs()
            );
        }
        for (alert, why) in NOT_TRIED {
            println!("| {alert} | not tried: {why} | | | |");
        }
        assert!(arrived("Watchdog", "firing"), "the watchdog is heard");
    }
}
