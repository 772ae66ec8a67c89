//! What watches the server, on real parts: Prometheus with its rules, Alertmanager, exporters, and what dashboards ask.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use licet_test_support::{
    MailSink, Monitoring, Nats, Nginx, Pace, Receivers, Server, Target, Targets, built, eventually, monitoring_programs,
};
use serde_json::{Value, json};

use crate::{
    new_database, start,
    tools::{API_KEY, run, tool},
};

/// A Prometheus and two processors: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn infra(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra").join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file of a folder, its texts together.
fn texts(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| read(&file.unwrap().path())).collect()
}

/// What stands behind each of these words at the beginning of a line, or of an item in braces.
fn named(text: &str, word: &str) -> BTreeSet<String> {
    let found = text.split(word).skip(1);
    found
        .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect()
}

fn scraped(server: &Server) -> String {
    String::from_utf8(server.send_with("GET", "/metrics", &[], b"").bytes).unwrap()
}

fn series(metrics: &str) -> usize {
    metrics
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .count()
}

#[test]
fn every_alert_is_played_through_and_has_a_page() {
    let rules = texts(&infra("prometheus/rules"));
    let alerts = named(&rules, "- alert: ");
    assert!(alerts.len() > 25, "{alerts:?}");
    // promtool is content with a test of an alert that there is not.
    let played = texts(&infra("prometheus/tests"));
    assert_eq!(named(&played, "alertname: "), alerts);
    let fires: BTreeSet<String> = played
        .split("alertname: ")
        .filter(|test| test.split("alert_rule_test").next().unwrap().contains("exp_alerts"))
        .map(|test| test.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect();
    assert_eq!(fires, alerts, "each is seen to fire");
    let pages = named(&read(&infra("../docs/RUNBOOK.md")), "\n## ");
    assert_eq!(pages, alerts);
    let links = named(&rules, "RUNBOOK.md#");
    assert_eq!(links, alerts.iter().map(|alert| alert.to_lowercase()).collect());

    let Some(programs) = monitoring_programs() else { return };
    let promtool = || Command::new(programs.join("promtool"));
    run(promtool()
        .args(["check", "config", "--lint-fatal"])
        .arg(infra("prometheus/prometheus.yml")));
    let tests = fs::read_dir(infra("prometheus/tests")).unwrap();
    run(promtool()
        .args(["test", "rules"])
        .args(tests.map(|file| file.unwrap().path())));
    run(promtool().args(["check", "rules", "--lint-fatal"]).args(
        fs::read_dir(infra("prometheus/rules"))
            .unwrap()
            .map(|file| file.unwrap().path()),
    ));
}

#[test]
fn metrics_are_in_order_and_few() {
    let (server, _database) = start();
    let (_, key) = server.issue("studio", &json!({ "seats": 3 }));
    server.activate(&key, 1);
    let rest = scraped(&server);
    assert!(series(&rest) < 2_000, "{} series at rest", series(&rest));
    // Every route once, whatever it answers.
    let description = server.get("/api/openapi.json").body;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            if path.ends_with("/live") {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            server.send_as(API_KEY, &method.to_uppercase(), &path, &json!({}));
        }
    }
    let used = scraped(&server);
    let routes = used
        .lines()
        .filter(|line| line.starts_with("licet_http_request_seconds_count"));
    assert!(routes.count() > 80, "the routes were used");
    assert!(series(&used) < 6_000, "{} series after every route", series(&used));
    eprintln!("{} series at rest, {} after every route", series(&rest), series(&used));

    let Some(programs) = monitoring_programs() else { return };
    let mut check = Command::new("sh");
    let promtool = programs.join("promtool");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), used).unwrap();
    let line = format!("{} check metrics <{}", promtool.display(), file.path().display());
    assert_eq!(run(check.args(["-c", &line])), "");
}

/// Prometheus over all of it, under a little load.
struct Watched {
    monitoring: Monitoring,
    server: Server,
    webhook: Target,
    mails: MailSink,
    targets: Targets,
    database_url: String,
    _nginx: Nginx,
    _nats: Nats,
}

fn watched(programs: &Path) -> Watched {
    let database = new_database();
    let (webhook, mails, nats) = (Target::accepting(), MailSink::start(), Nats::start());
    let settings = [
        ("NATS_URL", nats.url.as_str()),
        ("SMTP_URL", mails.url.as_str()),
        ("MAIL_TO", "operators@example.org"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let nginx = Nginx::before(&server.url);
    let targets = Targets {
        licet: vec![server.url.clone()],
        database_url: Some(database.url.clone()),
        nginx: Some([nginx.status.clone(), nginx.tls.clone()]),
        nats: Some(nats.health.clone()),
        ..Targets::default()
    };
    let receivers = Receivers {
        webhook: webhook.url.clone(),
        mail: mails.url.split("//").nth(1).map(str::to_owned),
    };
    Watched {
        monitoring: Monitoring::start(programs, &targets, &receivers, Pace::Hurried),
        server,
        webhook,
        mails,
        targets,
        database_url: database.url,
        _nginx: nginx,
        _nats: nats,
    }
}

/// What users do, each once.
fn use_it(server: &Server, round: u32) {
    let (_, key) = server.issue(&format!("studio-{round}"), &json!({ "seats": 3 }));
    let token = server.activate(&key, 1).text("token").to_owned();
    server.verify(&key, 1);
    server.verify("LIC-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", 1);
    server.beat(&token, &json!({ "nonce": format!("n-{round}") }));
    server.get("/api/admin/licenses");
    server.get("/api/admin/licenses/no-such");
}

#[test]
fn no_panel_is_empty() {
    let Some(programs) = monitoring_programs() else { return };
    let _alone = ALONE.lock();
    let watched = watched(&programs);
    let done = AtomicBool::new(false);
    let empty = thread::scope(|scope| {
        scope.spawn(|| {
            for round in (0..600).take_while(|_| !done.load(Ordering::Relaxed)) {
                use_it(&watched.server, round);
                thread::sleep(Duration::from_millis(300));
            }
        });
        let empty = empty_panels(&watched.monitoring);
        done.store(true, Ordering::Relaxed);
        empty
    });
    assert!(empty.is_empty(), "{empty:#?}");
    // Whoever is asked answers, and nothing but the watchdog fires.
    assert!(
        eventually(|| watched.monitoring.query("up == 0").is_empty()),
        "{:?}",
        watched.monitoring.query("up == 0")
    );
    assert!(
        eventually(|| watched.monitoring.firing_of_licet() == ["Watchdog"]),
        "{:?}",
        watched.monitoring.firing()
    );
}

/// Queries of panels that answer nothing, or lack what their legend names.
fn empty_panels(monitoring: &Monitoring) -> Vec<String> {
    let mut empty = Vec::new();
    let hold = |query: &str, legend: &str| {
        // Grafana fills it in: four times as long as Prometheus waits between two looks.
        let results = monitoring.query(&query.replace("$__rate_interval", "20s"));
        let labels = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
        let has = |label: &str| results.iter().all(|(labels, _)| labels.get(label).is_some());
        results.iter().any(|(_, value)| value != "NaN") && labels.into_iter().all(has)
    };
    for file in fs::read_dir(infra("grafana/dashboards")).unwrap() {
        let dashboard: Value = serde_json::from_str(&read(&file.unwrap().path())).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let (query, legend) = (
                    target["expr"].as_str().unwrap(),
                    target["legendFormat"].as_str().unwrap(),
                );
                // cAdvisor cannot be had here; Prometheus reads the query all the same.
                if query.contains("container_") {
                    monitoring.query(&query.replace("$__rate_interval", "20s"));
                } else if !eventually(|| hold(query, legend)) {
                    empty.push(format!("{}: {}: {query} {legend}", dashboard["title"], panel["title"]));
                }
            }
        }
    }
    empty
}

#[test]
fn an_alert_reaches_people_and_is_taken_back() {
    let Some(programs) = monitoring_programs() else { return };
    let _alone = ALONE.lock();
    let watched = watched(&programs);
    let told = |alert: &str, status: &str| {
        let bodies = watched.webhook.got().into_iter();
        let alerts = bodies.flat_map(|delivered| {
            let body: Value = serde_json::from_str(&delivered.body).unwrap_or_default();
            body["alerts"].as_array().cloned().unwrap_or_default()
        });
        alerts
            .filter(|told| told["labels"]["alertname"] == alert && told["status"] == status)
            .count()
    };
    let address = watched.server.url.trim_start_matches("http://").to_owned();
    assert!(eventually(|| watched.monitoring.firing_of_licet() == ["Watchdog"]));
    let before = told("LicenseServerDown", "firing");
    watched.server.kill();
    assert!(
        eventually(|| told("LicenseServerDown", "firing") > before),
        "{:?}",
        watched.monitoring.firing()
    );
    // Machines are refused service, too: that is said besides.
    assert!(eventually(|| told("ServiceUnreachable", "firing") > 0));
    let mailed = |text: &str| watched.mails.got().iter().any(|mail| mail.contains(text));
    assert!(eventually(|| mailed("LicenseServerDown")));
    assert!(eventually(|| told("Watchdog", "firing") > 0));
    assert!(!mailed("Watchdog"), "people are spared: {:?}", watched.mails.got());
    let _back = Server::start_at(&watched.database_url, &address);
    assert!(
        eventually(|| told("LicenseServerDown", "resolved") > 0),
        "{:?}",
        watched.monitoring.firing()
    );
    // Somebody forgets a target.
    watched.monitoring.watch(&Targets {
        nats: None,
        ..watched.targets.clone()
    });
    assert!(eventually(|| watched
        .monitoring
        .firing()
        .contains(&"TargetMissing".to_owned())));
}

#[test]
fn dashboards_are_as_they_are_written_and_as_grafana_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    run(Command::new(built("xtask")).arg("dashboards").arg(folder.path()));
    // In a file the values of Grafana's enums are their texts.
    let mut checked = String::from(
        "import type { Dashboard as Typed } from \"@grafana/schema\";
         type Written<T> = T extends string ? `${T}` | T : T extends (infer U)[] ? Written<U>[]
             : T extends object ? { [K in keyof T]: Written<T[K]> } : T;
         type Dashboard = Written<Typed>;\n",
    );
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let written = read(&file.path());
        let kept = read(&infra("grafana/dashboards").join(file.file_name()));
        assert!(written == kept, "cargo run -p xtask -- dashboards");
        let name = checked.matches(": Dashboard =").count();
        writeln!(checked, "export const d{name}: Dashboard = {written};").unwrap();
    }
    assert_eq!(checked.matches(": Dashboard =").count(), 5);
    let Some(tsc) = tool("LICET_NODE_BIN", "tsc") else {
        return;
    };
    std::os::unix::fs::symlink(tsc.ancestors().nth(2).unwrap(), folder.path().join("node_modules")).unwrap();
    fs::write(folder.path().join("dashboards.ts"), checked).unwrap();
    run(Command::new(tsc)
        .args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--module",
            "nodenext",
            "dashboards.ts",
        ])
        .current_dir(folder.path()));
}
