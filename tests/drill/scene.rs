//! Everything that Licet stands on, running: what a drill breaks.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use licet_event_store::{
    Edge,
    embedded::{Cluster, ClusterOptions},
};
use licet_test_support::{Monitoring, Nats, Nginx, Pace, Receivers, Server, Target, Targets, monitoring_programs};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::runtime::Runtime;

pub(crate) struct Scene {
    // In this order they end: who asks before who answers.
    pub(crate) monitoring: Monitoring,
    pub(crate) nginx: Nginx,
    pub(crate) server: Option<Server>,
    /// Beside it behind nginx, where nothing is to be broken.
    _second: Option<Server>,
    pub(crate) nats: Nats,
    pub(crate) webhook: Target,
    pub(crate) cluster: Cluster,
    /// The database in use.
    pub(crate) url: String,
    pub(crate) address: String,
    settings: Vec<(String, String)>,
    pub(crate) targets: Targets,
    pub(crate) runtime: Runtime,
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn set(pace: Pace) -> Self {
        let programs = monitoring_programs().expect("./dev drill and ./dev stack install Prometheus");
        let folder = tempfile::tempdir().unwrap();
        let options = ClusterOptions {
            settings: vec!["max_connections=120".to_owned()],
        };
        let cluster = Cluster::start(folder.path(), &options, &Edge::system()).unwrap();
        let url = cluster.url();
        let (nats, webhook) = (Nats::start(), Target::accepting());
        let settings = [("NATS_URL", nats.url.as_str()), ("WEBHOOK_ALLOW_PRIVATE", "true")];
        let server = Server::start_with(&url, &settings);
        let second = (pace == Pace::AsShipped).then(|| Server::start_with(&url, &settings));
        let nodes = std::iter::once(&server).chain(&second);
        let nodes: Vec<String> = nodes.map(|node| node.url.clone()).collect();
        let nginx = Nginx::before_all(&nodes.iter().map(|url| &**url).collect::<Vec<_>>(), &[]);
        let targets = Targets {
            licet: nodes,
            // The exporter looks in from beside: nobody copies a database that someone uses.
            database_url: Some(url.replace("/licet?", "/postgres?")),
            nginx: Some([nginx.status.clone(), nginx.tls.clone()]),
            nats: Some(nats.health.clone()),
            ..Targets::default()
        };
        let receivers = Receivers {
            webhook: webhook.url.clone(),
            mail: None,
        };
        Self {
            monitoring: Monitoring::start(&programs, &targets, &receivers, pace),
            address: server.url.trim_start_matches("http://").to_owned(),
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            server: Some(server),
            _second: second,
            nginx,
            nats,
            webhook,
            cluster,
            url,
            targets,
            runtime: Runtime::new().unwrap(),
            folder,
        }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// A setting of every server that is started from now on.
    pub(crate) fn with(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A server at the old place, over the database in use.
    pub(crate) fn start_server(&mut self) {
        let settings: Vec<(&str, &str)> = self.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.server = Some(Server::start_at_with(&self.url, &self.address, &settings));
    }

    pub(crate) fn stop_server(&mut self) {
        assert!(self.server.take().unwrap().terminate(), "it ends in order");
    }

    /// Runs statements in the database in use.
    pub(crate) fn sql(&self, statements: &str) {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            connection.execute(statements).await.unwrap();
        });
    }

    /// A transaction that holds what its first statement locks, until it is dropped.
    pub(crate) fn hold(&self, statement: &str) -> PgConnection {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            connection.execute(&*format!("BEGIN; {statement}")).await.unwrap();
            connection
        })
    }

    /// Ends what was held.
    pub(crate) fn let_go(&self, connection: PgConnection) {
        self.runtime.block_on(connection.close()).unwrap();
    }

    /// Kills PostgreSQL's first process.
    pub(crate) fn kill_database(&self) {
        let file = fs::read_to_string(self.cluster.folder().join("postmaster.pid")).unwrap();
        kill("-KILL", file.lines().next().unwrap());
    }

    /// Names of alerts that were told to people, with `firing` or `resolved`.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let bodies = self.webhook.got().into_iter();
        let alerts = bodies.flat_map(|delivered| {
            let body: Value = serde_json::from_str(&delivered.body).unwrap_or_default();
            body["alerts"].as_array().cloned().unwrap_or_default()
        });
        let named = |alert: Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&alert["labels"]["alertname"]), text(&alert["status"]))
        };
        alerts.map(named).collect()
    }
}

pub(crate) fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

/// A small disk of one's own; dropping it takes it away.
pub(crate) struct Disk {
    pub(crate) folder: std::path::PathBuf,
}

impl Disk {
    /// An ext4 of so many megabytes, which keeps nothing back for root.
    pub(crate) fn make(within: &Path, megabytes: u64) -> Self {
        let (image, folder) = (within.join("disk.img"), within.join("disk"));
        fs::create_dir_all(&folder).unwrap();
        fs::File::create(&image).unwrap().set_len(megabytes << 20).unwrap();
        let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image));
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&folder));
        Self { folder }
    }

    /// Writes two megabytes a second until `enough` says so, or nothing more fits.
    pub(crate) fn fill(&self, mut enough: impl FnMut() -> bool) {
        for number in 0..1_000 {
            let written = fs::write(self.folder.join(format!("fill-{number}")), vec![7; 2 << 20]);
            if written.is_err() {
                // To the last block.
                let left = (0..1_000).map(|last| fs::write(self.folder.join(format!("fill-last-{last}")), [7; 4096]));
                left.take_while(Result::is_ok).for_each(drop);
                return;
            }
            if enough() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    }

    pub(crate) fn empty(&self) {
        for file in fs::read_dir(&self.folder).unwrap().flatten() {
            if file.file_name().to_string_lossy().starts_with("fill-") {
                fs::remove_file(file.path()).unwrap();
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
