//! `./dev drill upgrade`: two nodes of the release before are replaced by this one's, one after the other, while machines and
//! an operator go on asking. The first new node migrates the database under the old one that is left.

use std::{
    fs,
    net::IpAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use licet_event_store::{
    Edge,
    embedded::{Cluster, ClusterOptions},
};
use licet_test_support::{API_KEY, Nats, Nginx, Server, Target, eventually, licet, licet_of, reachable_folder};
use serde_json::{Value, json};

use crate::{
    checks,
    fleet::{Books, Fleet, Vendor},
};

/// The longest that the next activation is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// For how long machines ask with nothing being replaced, between two replacements.
const CALM: Duration = Duration::from_secs(10);
/// How often the operator asks.
const OPERATOR_ASKS: Duration = Duration::from_millis(100);

/// Replaces the nodes of this program by ours.
pub(crate) fn run(before: &Path) {
    let folder = reachable_folder();
    let store = folder.path().join("backups");
    fs::create_dir(&store).unwrap();
    let options = ClusterOptions {
        settings: vec!["max_connections=120".to_owned()],
    };
    let cluster = Cluster::start(folder.path(), &options, &Edge::system()).unwrap();
    let url = cluster.url();
    let (nats, target) = (Nats::start(), Target::accepting());
    let settings = [("NATS_URL", nats.url.as_str()), ("WEBHOOK_ALLOW_PRIVATE", "true")];

    println!("starting two nodes of the release before, behind nginx");
    let old = [(); 2].map(|()| Server::start_command(licet_of(before, &url), "127.0.0.1:0", &settings));
    let nginx = Arc::new(Nginx::before_all(&[&old[0].url, &old[1].url], &[]));
    let vendor = Vendor::open(&old[0], &nginx);
    let webhook = json!({ "url": target.url, "event_types": ["license.activated"] });
    old[0].create("/api/admin/webhooks", &webhook);
    let schema = migrations(&url);
    let fleet = Fleet::start(&vendor, folder.path());
    let operator = Operator::start(&nginx);
    fleet.expect_activation(PATIENCE);
    said(
        licet_of(before, &url)
            .env("BACKUP_STORE", &store)
            .args(["backup", "create", "--json"]),
    );
    thread::sleep(CALM);

    let began = Instant::now();
    let _new = old.map(|node| {
        let address = node.url.trim_start_matches("http://").to_owned();
        println!("the node at {address} is replaced");
        let replaced = Instant::now();
        assert!(node.terminate(), "it ends in order");
        let node = Server::start_at_with(&url, &address, &settings);
        assert!(
            eventually(|| node.get("/readyz").status == 200),
            "{}",
            node.get("/readyz").body
        );
        println!("  ready after {:.1} s", replaced.elapsed().as_secs_f64());
        fleet.expect_activation(PATIENCE);
        thread::sleep(CALM);
        node
    });
    let (books, asked) = (fleet.stop(), operator.stop());
    println!("\nfrom {schema} migrations to {}", migrations(&url));
    report(&books, asked, began);
    assert_eq!(books.wronged, [] as [String; 0], "nobody is told what is not so");
    let failed: Vec<&String> = books.errors.iter().map(|(_, error)| error).collect();
    assert_eq!(failed, [] as [&String; 0], "no request of a machine is refused");
    checks::compare(&url, &nats.url, &target, &books);
    said(licet(&url).args(["projections", "verify"]));
    said(licet(&url).env("BACKUP_STORE", &store).args(["backup", "verify"]));
    println!("\nEverything acknowledged is in the log, once; the backup that the release before made holds.");
}

/// How many migrations a database has had.
fn migrations(url: &str) -> String {
    let query = ["db", "--json", "-c", "SELECT count(*) AS count FROM _sqlx_migrations"];
    let rows: Value = serde_json::from_str(&said(licet(url).args(query))).unwrap_or_default();
    rows[0]["count"].as_str().unwrap_or_default().to_owned()
}

/// What a command says; it has to succeed.
fn said(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Who takes up customers and looks at their list, all the time.
struct Operator {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Operator {
    fn start(nginx: &Arc<Nginx>) -> Self {
        let (nginx, ending) = (Arc::clone(nginx), Arc::<AtomicBool>::default());
        let own = Arc::clone(&ending);
        let thread = thread::spawn(move || {
            let mut asked = 0;
            while !own.load(Ordering::SeqCst) {
                let customer = json!({ "name": format!("Customer {asked}"), "email": "a@example.org" }).to_string();
                for (method, path, body, wanted) in [
                    ("POST", "/api/admin/customers", customer.as_str(), 201),
                    ("GET", "/api/admin/customers", "", 200),
                    ("GET", "/api/admin/licenses", "", 200),
                ] {
                    let headers = [("X-API-Key", API_KEY), ("Content-Type", "application/json")];
                    let answer = nginx.send_from(IpAddr::from([127, 0, 0, 1]), method, path, &headers, body.as_bytes());
                    assert_eq!(answer.status, wanted, "{method} {path}: {}", answer.body);
                    asked += 1;
                }
                thread::sleep(OPERATOR_ASKS);
            }
            asked
        });
        Self { ending, thread }
    }

    /// How many requests were answered, all of them as they should.
    fn stop(self) -> usize {
        self.ending.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn report(books: &Books, asked: usize, began: Instant) {
    println!("\n| what | seen |\n| --- | --- |");
    println!("| activations | {} |", books.activations.len());
    println!("| no activation for | {:.1} s |", books.outage(began).as_secs_f64());
    println!(
        "| verdicts | {} by the server, {} by leases |",
        books.verdicts.len() - books.by_lease(),
        books.by_lease()
    );
    println!(
        "| a program waited at most | {:.1} s |",
        books.silence(began).as_secs_f64()
    );
    println!("| requests of an operator | {asked}, none refused |");
    println!("| requests of machines that failed | {} |", books.errors.len());
    for (at, error) in &books.errors {
        println!("  {:.1} s: {error}", at.saturating_duration_since(began).as_secs_f64());
    }
}
