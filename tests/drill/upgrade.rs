//! `./dev drill upgrade`: two nodes of the release before are replaced by this one's, one after the other, while machines go on
//! asking through nginx; no request may fail, and everything that was acknowledged is looked for in the log.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use licet_test_support::{Nginx, Server, TestDatabase, eventually, licet};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::fleet::{Books, Fleet, Vendor};

/// For how long all is well between two steps.
const CALM: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run() {
    let before = std::env::var_os("LICET_BEFORE").map(PathBuf::from);
    let before = before.expect("LICET_BEFORE names the program of the release before: ./dev drill upgrade builds it");
    let database = Runtime::new().unwrap().block_on(TestDatabase::empty());
    let store = tempfile::tempdir().unwrap();
    println!("two nodes of the release before, behind nginx");
    let mut nodes = [(); 2].map(|()| Some(Server::start_program(&before, &database.url, "127.0.0.1:0")));
    let addresses = nodes
        .each_ref()
        .map(|node| node.as_ref().map_or_else(String::new, |node| node.url.clone()));
    let nginx = Nginx::before_all(&[&addresses[0], &addresses[1]], &[]);
    let Some(node) = &nodes[0] else { return };
    let (_, roomy) = node.issue("roomy", &json!({ "seats": 1_000_000 }));
    let (_, scarce) = node.issue("scarce", &json!({ "seats": 5 }));
    let vendor = Vendor {
        server: nginx.tls.clone(),
        certificate: nginx.certificate.clone(),
        roomy,
        scarce,
    };
    let machines = tempfile::tempdir().unwrap();
    let fleet = Fleet::start(&vendor, machines.path());
    fleet.expect_activation(PATIENCE);
    thread::sleep(CALM);
    let backup = say(program(&before, &database.url, store.path()).args(["backup", "create"]));
    let begun = Instant::now();
    for (number, address) in addresses.iter().enumerate() {
        println!("node {} of 2 ends, and begins as this program", number + 1);
        assert!(nodes[number].take().is_some_and(Server::terminate), "it ends in order");
        let node = Server::start_at(&database.url, address.trim_start_matches("http://"));
        assert!(
            eventually(|| node.get("/readyz").status == 200),
            "{}",
            node.get("/readyz").body
        );
        nodes[number] = Some(node);
        fleet.expect_activation(PATIENCE);
        thread::sleep(CALM);
    }
    let books = fleet.stop();
    compare(&database.url, &books, begun);
    println!("what the release before backed up is restored for trial");
    let trial = say(program(Path::new(""), &database.url, store.path()).args(["backup", "verify"]));
    assert_eq!(
        (&trial["audit"]["fault"], &trial["audit"]["position"]),
        (&Value::Null, &backup["position"])
    );
    println!("The log holds, every read model is what its replay is, and the old backup does too.");
}

/// The `licet` command, or another one of it.
fn program(path: &Path, database: &str, store: &Path) -> Command {
    let own = licet(database);
    let name = if path.as_os_str().is_empty() {
        own.get_program()
    } else {
        path.as_os_str()
    };
    let mut command = Command::new(name);
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("BACKUP_STORE", store).arg("--json");
    command
}

/// What a command says; it has to succeed.
fn say(command: &mut Command) -> Value {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{command:?}: {said}");
    said.lines()
        .next_back()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default()
}

fn compare(database: &str, books: &Books, begun: Instant) {
    let store = Path::new("");
    let ids = "SELECT payload->>'activation_id' AS id FROM events WHERE event_type = 'license.activated'";
    let rows = say(program(store, database, store).args(["db", "-c", ids]));
    let rows = rows.as_array().cloned().unwrap_or_default();
    let kept: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    let once: BTreeSet<&str> = kept.iter().copied().collect();
    assert_eq!(kept.len(), once.len(), "no activation is in the log twice");
    let missing: Vec<&String> = books
        .activations
        .iter()
        .map(|(_, _, id, _)| id)
        .filter(|id| !once.contains(id.as_str()))
        .collect();
    assert_eq!(missing, [] as [&String; 0], "acknowledged, and not in the log");
    for what in [["audit", "verify"], ["projections", "verify"]] {
        say(program(store, database, store).args(what));
    }
    println!("\n| what | seen |\n| --- | --- |");
    println!(
        "| activations, beats, verdicts acknowledged | {}, {}, {} |",
        books.activations.len(),
        books.beats.len(),
        books.verdicts.len()
    );
    println!("| requests that failed | {} |", books.errors.len());
    println!("| no activation for | {:.1} s |", books.outage(begun).as_secs_f64());
    println!(
        "| no program waited for a verdict longer than | {:.1} s, {} by its lease |\n",
        books.silence(begun).as_secs_f64(),
        books.by_lease()
    );
    assert_eq!(books.wronged, [] as [String; 0], "nobody is told what is not so");
    assert_eq!(
        books.errors.iter().map(|(_, error)| error).collect::<Vec<_>>(),
        [] as [&String; 0],
        "no request fails"
    );
}
