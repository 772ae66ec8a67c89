//! Real Prometheus, Alertmanager and exporters, set up as `infra/` says.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

const INFRA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra");

#[expect(clippy::print_stderr, reason = "whoever runs the tests hears of what is left out")]
/// The folder of the programs that `./dev test` has unpacked, or nothing, and it is said.
pub fn monitoring_programs() -> Option<PathBuf> {
    let folder = std::env::var_os("LICET_MONITORING_BIN").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: LICET_MONITORING_BIN names no folder with Prometheus; ./dev test installs it");
    }
    folder
}

/// How fast rules go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As `infra/` says.
    AsShipped,
    /// Sixty times as fast: what waits for minutes there waits for seconds here.
    Hurried,
}

/// What is watched; what is left out has no target, as if somebody had forgotten it.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// Licet's nodes, `http://HOST:PORT`.
    pub licet: Vec<String>,
    /// A database.
    pub database_url: Option<String>,
    /// nginx: its page with the status, and where it is by TLS.
    pub nginx: Option<[String; 2]>,
    /// A page of NATS that tells its health.
    pub nats: Option<String>,
    /// A database of several hosts.
    pub quorum: QuorumTargets,
}

/// What belongs to a database of several hosts, each `HOST:PORT`.
#[derive(Debug, Clone, Default)]
pub struct QuorumTargets {
    /// Patroni's API.
    pub patroni: Vec<String>,
    /// etcd's clients' port.
    pub etcd: Vec<String>,
    /// The page that tells the state of `HAProxy`.
    pub haproxy: Vec<String>,
}

/// Where alerts go.
#[derive(Debug, Clone, Default)]
pub struct Receivers {
    /// A webhook.
    pub webhook: String,
    /// A mail server, `HOST:PORT`.
    pub mail: Option<String>,
}

/// Prometheus with what belongs to it; dropping it ends all of them.
pub struct Monitoring {
    running: Vec<(String, Child)>,
    pace: Pace,
    programs: PathBuf,
    folder: tempfile::TempDir,
    exporters: [String; 4],
    /// Where Prometheus is.
    pub prometheus: String,
    /// Where Alertmanager is.
    pub alertmanager: String,
}

impl Monitoring {
    /// Starts all of them on free loopback ports.
    ///
    /// # Panics
    ///
    /// When one of them does not listen.
    pub fn start(programs: &Path, targets: &Targets, receivers: &Receivers, pace: Pace) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let [prometheus, alertmanager, node, postgres, nginx, blackbox] = [(); 6].map(|()| free_address());
        let mut monitoring = Self {
            running: Vec::new(),
            pace,
            programs: programs.to_owned(),
            folder,
            exporters: [node, postgres, nginx, blackbox],
            prometheus: format!("http://{prometheus}"),
            alertmanager: format!("http://{alertmanager}"),
        };
        monitoring.write_settings();
        monitoring.watch(targets);
        monitoring.start_exporters(targets);
        let storage = monitoring.folder.path().join("alertmanager");
        let program = format!(
            "{} --storage.path={} --web.listen-address={alertmanager} --cluster.listen-address=",
            monitoring.program("prometheus-alertmanager").display(),
            storage.display()
        );
        let mut command = Command::new(format!("{INFRA}/alertmanager/start.sh"));
        command
            .env("ALERTMANAGER", program)
            .env("ALERTMANAGER_FOLDER", monitoring.folder.path())
            .env("ALERT_WATCHDOG_URL", &receivers.webhook)
            .env("ALERT_WEBHOOK_URL", &receivers.webhook);
        if pace == Pace::Hurried {
            command.env("ALERT_GROUP_WAIT", "1s").env("ALERT_GROUP_INTERVAL", "1s");
        }
        if let Some(mail) = &receivers.mail {
            command
                .env("ALERT_MAIL_TO", "operators@example.org")
                .env("ALERT_SMTP_HOST", mail);
        }
        monitoring.run(command, &alertmanager);
        let mut command = Command::new(monitoring.program("prometheus"));
        let data = monitoring.folder.path().join("data");
        command
            .arg(format!(
                "--config.file={}/prometheus.yml",
                monitoring.folder.path().display()
            ))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={prometheus}"));
        if pace == Pace::Hurried {
            // What fired before Alertmanager was found is told again.
            command.arg("--rules.alert.resend-delay=1s");
        }
        monitoring.run(command, &prometheus);
        let ready = format!("{}/-/ready", monitoring.prometheus);
        let is_ready = (0..1_200).any(|_| {
            thread::sleep(Duration::from_millis(50));
            ureq::get(&ready).call().is_ok()
        });
        assert!(is_ready, "Prometheus is not ready");
        monitoring
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn run(&mut self, mut command: Command, address: &str) {
        let log = fs::File::create(self.folder.path().join(format!("{address}.log"))).expect("a log");
        let process = command.stdout(Stdio::null()).stderr(log).spawn();
        let process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.running
            .push((command.get_program().to_string_lossy().into_owned(), process));
        let listens = (0..1_200).any(|_| {
            thread::sleep(Duration::from_millis(50));
            std::net::TcpStream::connect(address).is_ok()
        });
        let log = fs::read_to_string(self.folder.path().join(format!("{address}.log")));
        assert!(listens, "{command:?} does not listen: {}", log.unwrap_or_default());
    }

    /// Ends one of the programs without warning.
    pub fn end(&mut self, name: &str) {
        let ended = self.running.extract_if(.., |(program, _)| program.ends_with(name));
        ended.for_each(|(_, mut process)| {
            let _ = process.kill();
            let _ = process.wait();
        });
    }

    /// Copies the settings.
    fn write_settings(&self) {
        let to = self.folder.path();
        let settings = read(&format!("{INFRA}/prometheus/prometheus.yml"));
        let settings = match self.pace {
            Pace::AsShipped => settings,
            Pace::Hurried => settings.replace(": 15s", ": 1s").replace("timeout: 5s", "timeout: 1s"),
        };
        fs::write(to.join("prometheus.yml"), settings).expect("it is ours");
        fs::create_dir_all(to.join("rules")).expect("it is ours");
        // Of containers nothing can be told here: cAdvisor cannot be had.
        for name in ["slo", "licet", "around", "ha"] {
            let rules = read(&format!("{INFRA}/prometheus/rules/{name}.yml"));
            let rules = match self.pace {
                Pace::AsShipped => rules,
                Pace::Hurried => hurried(&rules),
            };
            fs::write(to.join(format!("rules/{name}.yml")), rules).expect("it is ours");
        }
    }

    /// Says what is watched from now on; Prometheus reads it again by itself.
    pub fn watch(&self, targets: &Targets) {
        let [node, postgres, nginx, blackbox] = &self.exporters;
        let host = |url: &String| url.trim_start_matches("http://").to_owned();
        let some = |wanted: bool, address: &String| wanted.then(|| address.clone()).into_iter().collect::<Vec<_>>();
        let file = |name: &str, hosts: Vec<String>| {
            self.targets(&format!("targets/{name}"), &format!("- targets: {hosts:?}\n"));
        };
        file("licet", targets.licet.iter().map(host).collect());
        file("node", vec![node.clone()]);
        file("postgres", some(targets.database_url.is_some(), postgres));
        file("nginx", some(targets.nginx.is_some(), nginx));
        file("prometheus", vec![host(&self.prometheus)]);
        file("alertmanager", vec![host(&self.alertmanager)]);
        let probe = |name: &str, module: &str, url: &str| {
            format!(
                "- targets: [{blackbox:?}]\n  labels: {{probe: {name}, __param_module: {module}, __param_target: {url:?}}}\n"
            )
        };
        let nginx = targets.nginx.iter().flat_map(|[_, tls]| {
            [
                probe("licenses", "refused", &format!("{tls}/api/license/revocations")),
                probe("back-office", "https", &format!("{tls}/healthz")),
            ]
        });
        let nats = targets.nats.iter().map(|url| probe("nats", "http", url));
        self.targets("targets/probe", &nginx.chain(nats).collect::<String>());
        let QuorumTargets { patroni, etcd, haproxy } = &targets.quorum;
        for (name, hosts) in [("patroni", patroni), ("etcd", etcd), ("haproxy", haproxy)] {
            self.targets(&format!("targets-ha/{name}"), &format!("- targets: {hosts:?}\n"));
        }
    }

    /// Writes a file of targets.
    fn targets(&self, name: &str, text: &str) {
        let file = self.folder.path().join(format!("{name}.yml"));
        fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("it is ours");
        // At once: Prometheus may be reading it.
        let new = file.with_extension("new");
        fs::write(&new, text).expect("it is ours");
        fs::rename(new, file).expect("it is ours");
    }

    fn start_exporters(&mut self, targets: &Targets) {
        let [node, _, nginx, blackbox] = self.exporters.clone();
        let mut command = Command::new(self.program("prometheus-node-exporter"));
        command.arg(format!("--web.listen-address={node}"));
        self.run(command, &node);
        let mut command = Command::new(self.program("prometheus-blackbox-exporter"));
        command
            .arg(format!("--web.listen-address={blackbox}"))
            .arg(format!("--config.file={INFRA}/blackbox/blackbox.yml"));
        self.run(command, &blackbox);
        self.start_postgres_exporter(targets);
        if let Some([status, _]) = &targets.nginx {
            let mut command = Command::new(self.program("prometheus-nginx-exporter"));
            command
                .arg(format!("--nginx.scrape-uri={status}"))
                .arg(format!("--web.listen-address={nginx}"));
            self.run(command, &nginx);
        }
    }

    /// Starts the exporter of the database, where there is one.
    pub fn start_postgres_exporter(&mut self, targets: &Targets) {
        let Some(url) = &targets.database_url else { return };
        let [_, address, ..] = self.exporters.clone();
        let disabled = if url.contains('?') { "" } else { "?sslmode=disable" };
        let mut command = Command::new(self.program("prometheus-postgres-exporter"));
        command
            .arg(format!("--web.listen-address={address}"))
            .env("DATA_SOURCE_NAME", format!("{url}{disabled}"));
        self.run(command, &address);
    }

    /// What a query answers now: each result with its labels and its value.
    ///
    /// # Panics
    ///
    /// When Prometheus does not take it.
    pub fn query(&self, query: &str) -> Vec<(Value, String)> {
        let asked = ureq::get(format!("{}/api/v1/query", self.prometheus))
            .query("query", query)
            .config()
            .http_status_as_error(false)
            .build()
            .call();
        let text = asked.expect("Prometheus answers").body_mut().read_to_string();
        let answer: Value = serde_json::from_str(&text.expect("a text")).expect("JSON");
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let results = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let results = results.into_iter().map(|one| {
            let value = one["value"][1].as_str().unwrap_or_default().to_owned();
            (one["metric"].clone(), value)
        });
        results.collect()
    }

    /// The alerts that are firing, by name, but for what the machine itself may be up to: it has other work, too.
    pub fn firing_of_licet(&self) -> Vec<String> {
        let mut firing = self.firing();
        firing.retain(|name| !["CpuHigh", "MemoryHigh", "DiskFilling", "DiskFull"].contains(&&**name));
        firing
    }

    /// The alerts that are firing, by name; the machine's own disk does not count.
    pub fn firing(&self) -> Vec<String> {
        let firing = self
            .query("ALERTS{alertstate=\"firing\", mountpoint!=\"/\"}")
            .into_iter();
        let mut names: Vec<String> = firing
            .map(|(labels, _)| labels["alertname"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for Monitoring {
    fn drop(&mut self) {
        for (_, process) in &mut self.running {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Rules whose minutes are seconds and whose hours are minutes.
fn hurried(rules: &str) -> String {
    let mut text = rules.to_owned();
    // Minutes first: what becomes minutes must not become seconds.
    for (unit, faster) in [("m", "s"), ("h", "m")] {
        for number in 1..=60 {
            text = text.replace(&format!("[{number}{unit}]"), &format!("[{number}{faster}]"));
            text = text.replace(&format!("for: {number}{unit}\n"), &format!("for: {number}{faster}\n"));
        }
    }
    text
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A loopback address that was free a moment ago.
pub(crate) fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a loopback port is free").to_string()
}
