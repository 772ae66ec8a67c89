//! Real servers for tests: one Postgres cluster for each test binary, one database for each test, and `licet serve` as
//! a process of its own. Everything listens on free loopback ports and ends with the test binary, however that ends.

mod age;
mod browser;
mod cluster;
mod document;
mod monitoring;
mod nginx;
mod operator;
mod quorum;
mod server;
mod sinks;
mod tls;

pub use age::age;
pub use browser::Browser;
pub use cluster::{TestDatabase, cluster_pid};
pub use monitoring::{Monitoring, Pace, QuorumTargets, Receivers, Targets, monitoring_programs};
pub use nginx::{Nginx, Relayed, make_certificate};
pub use operator::{Operator, PASSWORD, setup_token};
pub use quorum::{HOSTS, Quorum, QuorumPrograms};
pub use server::{API_KEY, Answer, SECRET, Server, built, licet, licet_of, machine_request};
pub use sinks::{Delivered, MailSink, Nats, PgBouncer, Target};
pub use tls::{HttpProxy, TlsFront};

/// Waits until the hour (and so the day, and the month) goes on for half a minute at least.
pub fn early_in_the_hour() {
    let second = || {
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| since.as_secs())
            % 3_600
    };
    while second() > 3_570 {
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

/// A temporary folder that other users get into: as root, Postgres and nginx's workers run as such.
pub fn reachable_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let reachable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), reachable).expect("it is ours");
    folder
}

/// Whether something comes to be within a minute, however busy the machine is: how long things take is for benchmarks.
pub fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    (0..1_200).any(|_| {
        let now = holds();
        if !now {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        now
    })
}
