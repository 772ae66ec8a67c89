//! `./dev drill restore`: a host is lost with everything on it while machines go on asking; another one is made from nothing
//! but the secrets and the last backup, or the copy of the write-ahead log, and what was acknowledged is looked for on it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{Nginx, SECRET, Server, licet, reachable_folder};
use serde_json::Value;

use crate::fleet::{Books, Fleet, Vendor};

/// For how long machines ask before the backup, and between it and the loss.
const BEFORE: Duration = Duration::from_secs(5);
const SINCE: Duration = Duration::from_secs(10);
/// The longest that the first activation after the restore is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// Machines that fill the log.
const FILLERS: u32 = 8;

/// A host: the folder with its private Postgres, and where its write-ahead log is copied to.
struct Host {
    folder: PathBuf,
    copy: Option<PathBuf>,
}

/// What was seen.
struct Seen {
    /// How a backup was made, and how long that took; none where the write-ahead log was copied.
    backup: Option<(Value, Duration)>,
    restored: Value,
    restoring: Duration,
    starting: Duration,
}

/// Fills a log with so many events, loses its host, and restores: a backup, or what was copied of the write-ahead log.
pub(crate) fn run(events: u32, wal: bool) {
    let disk = reachable_folder();
    let (store, copy) = (disk.path().join("backups"), disk.path().join("copy"));
    fs::create_dir(&store).unwrap();
    fs::create_dir(&copy).unwrap();
    let host = |name: &str| Host {
        folder: disk.path().join(name),
        copy: wal.then(|| copy.clone()),
    };
    let (first, second) = (host("first"), host("second"));

    println!("starting a server of its own Postgres behind nginx, and filling its log with {events} events");
    let server = first.start("127.0.0.1:0");
    let address = server.url.trim_start_matches("http://").to_owned();
    let nginx = Nginx::before_all(&[&server.url], &[]);
    let vendor = Vendor::open(&server, &nginx);
    fill(&server, &vendor.roomy, events);
    let machines = tempfile::tempdir().unwrap();
    let fleet = Fleet::start(&vendor, machines.path());
    fleet.expect_activation(PATIENCE);
    thread::sleep(BEFORE);

    let backup = (!wal).then(|| {
        println!("a backup is made beside it");
        let begun = Instant::now();
        (first.command(&store, &["backup", "create"]), begun.elapsed())
    });
    thread::sleep(SINCE);

    println!("the host is lost: its processes are killed (-9), and its disk is gone");
    let lost = Instant::now();
    first.lose(server);

    println!("another host is made of what is left, and the secrets");
    let begun = Instant::now();
    let copied = copy.display().to_string();
    let order = if wal {
        vec!["backup", "recover", "--wal-dir", &copied]
    } else {
        vec!["backup", "restore"]
    };
    let restored = second.command(&store, &order);
    let restoring = begun.elapsed();
    let begun = Instant::now();
    let server = second.start(&address);
    let starting = begun.elapsed();
    fleet.expect_activation(PATIENCE);
    thread::sleep(BEFORE);
    let books = fleet.stop();
    let seen = Seen {
        backup,
        restored,
        restoring,
        starting,
    };
    report(&seen, &books, &second.activations(&store), lost);
    for what in [["audit", "verify"], ["projections", "verify"]] {
        second.command(&store, &what);
    }
    assert!(server.terminate(), "it ends in order");
    println!("\nThe restored log holds from its first event to its last, and every read model is what its replay is.");
}

impl Host {
    fn start(&self, address: &str) -> Server {
        let settings = [
            ("SECRET_KEY", SECRET),
            ("JWT_SECRET", SECRET),
            ("API_RATE_LIMIT", "1000000 per minute"),
        ];
        let copy = self.copy.as_ref().map(|copy| copy.display().to_string());
        let options: Vec<&str> = copy.iter().flat_map(|copy| ["--wal-dir", copy]).collect();
        Server::start_embedded_with(&self.folder, address, &settings, &options)
    }

    /// What a command says; it has to succeed.
    fn command(&self, store: &Path, arguments: &[&str]) -> Value {
        let mut command = licet("");
        command.env_remove("DATABASE_URL").env("BACKUP_STORE", store);
        command
            .args(arguments)
            .arg("--json")
            .arg("--embedded")
            .arg("--data-dir")
            .arg(&self.folder);
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{arguments:?}: {said}");
        said.lines()
            .next_back()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_default()
    }

    /// Ids of activations that its log has.
    fn activations(&self, store: &Path) -> BTreeSet<String> {
        let query = "SELECT payload->>'activation_id' AS id FROM events WHERE event_type = 'license.activated'";
        let rows = self.command(store, &["db", "-c", query]);
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter()
            .filter_map(|row| row["id"].as_str().map(str::to_owned))
            .collect()
    }

    fn lose(&self, server: Server) {
        let pid_file = fs::read_to_string(self.folder.join("postgres/postmaster.pid")).unwrap();
        // The server first: it would start its Postgres again.
        server.kill();
        let postmaster = pid_file.lines().next().unwrap_or_default();
        assert!(
            Command::new("kill")
                .args(["-9", postmaster])
                .status()
                .unwrap()
                .success()
        );
        // Its children end once they notice; until then they write.
        while fs::remove_dir_all(&self.folder).is_err() || self.folder.exists() {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Beats of some machines, until the log has so many events.
fn fill(server: &Server, key: &str, events: u32) {
    let begun = Instant::now();
    thread::scope(|scope| {
        for machine in 0..FILLERS {
            scope.spawn(move || {
                let token = server.activate(key, 3_000_000 + machine).text("token").to_owned();
                let bearer = format!("Bearer {token}");
                let beat = || server.send_with("POST", "/api/license/heartbeat", &[("authorization", &bearer)], b"{}");
                assert!((0..events / FILLERS).all(|_| beat().status == 200), "it beats");
            });
        }
    });
    println!("  {events} beats in {:.0} s", begun.elapsed().as_secs_f64());
}

/// What was acknowledged up to where the restored log ends has to be there; what came later is counted.
fn report(seen: &Seen, books: &Books, kept: &BTreeSet<String>, lost: Instant) {
    let head = seen.restored["position"].as_i64().unwrap_or_default();
    if let Some((backup, _)) = &seen.backup {
        assert_eq!(seen.restored["position"], backup["position"], "all of it was restored");
    }
    assert_eq!(
        books.wronged,
        [] as [String; 0],
        "no program that has its seat is told otherwise"
    );
    let until = books.activations.iter().filter(|(_, answered, ..)| *answered < lost);
    let (before, after): (Vec<_>, Vec<_>) = until.partition(|(.., position)| *position <= head);
    let missing: Vec<&String> = before
        .iter()
        .map(|(_, _, id, _)| id)
        .filter(|id| !kept.contains(*id))
        .collect();
    assert_eq!(
        missing,
        [] as [&String; 0],
        "acknowledged up to where the log ends, and not restored"
    );
    let gone = after.iter().filter(|(_, _, id, _)| !kept.contains(id));
    let gone: Vec<Instant> = gone.map(|(_, answered, ..)| *answered).collect();
    let span = gone.first().map_or(Duration::ZERO, |first| lost - *first);
    println!("\n| what | seen |\n| --- | --- |");
    if let Some((_, took)) = &seen.backup {
        println!(
            "| a backup of {head} events, beside the server | {:.1} s |",
            took.as_secs_f64()
        );
    }
    println!(
        "| {head} events restored into an empty folder | {:.1} s |",
        seen.restoring.as_secs_f64()
    );
    println!("| the server started on it | {:.1} s |", seen.starting.as_secs_f64());
    println!(
        "| from the loss to the first activation | {:.1} s |",
        books.outage(lost).as_secs_f64()
    );
    println!("| activations acknowledged up to there | {}, all there |", before.len());
    println!(
        "| lost: activations acknowledged later | {}, of the last {:.3} s |",
        gone.len(),
        span.as_secs_f64()
    );
    println!(
        "| no program waited for a verdict longer than | {:.1} s; {} verdicts by the server, {} by leases |",
        books.silence(lost).as_secs_f64(),
        books.verdicts.len() - books.by_lease(),
        books.by_lease()
    );
}
