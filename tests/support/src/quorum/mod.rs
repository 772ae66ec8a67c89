//! A database of three hosts, as `infra/patroni/` and `infra/haproxy/` set it up: each host is a network namespace with etcd,
//! Patroni with its Postgres, and NATS; `HAProxy` leads to whichever is the primary. Needs root.

mod host;
mod network;

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use serde_json::Value;

use crate::{
    eventually,
    monitoring::{QuorumTargets, free_address},
    reachable_folder,
};
use host::Host;
use network::address;

/// How many hosts there are.
pub const HOSTS: usize = 3;
/// Processes of a database.
const DATABASE: [&str; 2] = ["patroni", "postgres"];
const PASSWORD: &str = "of-the-drill";

/// Where the programs are; `None` where `./dev` could not get them.
#[derive(Debug, Clone)]
pub struct QuorumPrograms {
    debian: PathBuf,
    python: PathBuf,
}

impl QuorumPrograms {
    /// As `./dev` says.
    pub fn find() -> Option<Self> {
        let folder = PathBuf::from(env::var_os("LICET_HA")?);
        Some(Self {
            debian: folder.join("debian/usr"),
            python: folder.join("python/bin"),
        })
    }
}

/// Three hosts and the way to their primary; dropping it ends everything.
pub struct Quorum {
    programs: QuorumPrograms,
    haproxy: Child,
    /// The primary's database, by way of `HAProxy`.
    pub url: String,
    /// The servers of NATS, with commas between them.
    pub nats: String,
    status: String,
    folder: tempfile::TempDir,
}

impl Quorum {
    /// Starts all of it and waits until there is a primary with two standbys.
    ///
    /// # Panics
    ///
    /// When something does not start.
    pub fn start(programs: &QuorumPrograms) -> Self {
        network::build();
        let folder = reachable_folder();
        let [listen, status] = [(); 2].map(|()| free_address());
        let servers = (0..HOSTS).map(|host| format!("nats://{}:4222", address(host)));
        let quorum = Self {
            haproxy: host::haproxy(programs, &listen, &status, folder.path()),
            url: format!("postgres://postgres:{PASSWORD}@{listen}/licet"),
            status,
            nats: servers.collect::<Vec<_>>().join(","),
            programs: programs.clone(),
            folder,
        };
        (0..HOSTS).for_each(|host| quorum.start_etcd(host));
        (0..HOSTS).for_each(|host| quorum.start_nats(host));
        (0..HOSTS).for_each(|host| quorum.start_database(host));
        quorum.wait_until_whole();
        quorum
    }

    /// What of it is watched, with each address that has `/metrics`.
    pub fn targets(&self) -> QuorumTargets {
        let at = |port: u16| (0..HOSTS).map(|host| format!("{}:{port}", address(host))).collect();
        QuorumTargets {
            patroni: at(8008),
            etcd: at(2379),
            haproxy: vec![self.status.clone()],
        }
    }

    /// Which host leads, as the hosts themselves say.
    pub fn leader(&self) -> Option<usize> {
        (0..HOSTS).find(|host| ask(*host, "GET", "/primary", None).is_some())
    }

    /// Waits until there is a primary, and both others follow it.
    ///
    /// # Panics
    ///
    /// When that does not come about.
    pub fn wait_until_whole(&self) {
        let whole = || {
            let member = |host: usize| ask(host, "GET", "/cluster", None);
            let cluster = self.leader().and_then(member).unwrap_or_default();
            let states = cluster["members"].as_array().into_iter().flatten();
            let well = states.filter(|member| matches!(member["state"].as_str(), Some("running" | "streaming")));
            let quorum = |role: &Value| matches!(role.as_str(), Some("leader" | "quorum_standby"));
            well.filter(|member| quorum(&member["role"])).count() == HOSTS
        };
        // Twice as long as anything else: a host may have to be copied anew.
        assert!(
            eventually(whole) || eventually(whole),
            "the database is not whole; see {}",
            self.keep_logs()
        );
    }

    /// Asks the leader to hand over to another host.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn switch_over(&self) {
        let leader = self.leader().expect("there is one");
        let order = serde_json::json!({ "leader": node(leader) }).to_string();
        assert!(
            ask(leader, "POST", "/switchover", Some(order)).is_some(),
            "it hands over"
        );
    }

    /// Asks a host's Patroni to let nobody take over, or to go on.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn pause(&self, host: usize, paused: bool) {
        let order = serde_json::json!({ "pause": paused.then_some(true) }).to_string();
        assert!(ask(host, "PATCH", "/config", Some(order)).is_some(), "it does");
    }

    /// Kills a host's Patroni and Postgres without warning.
    pub fn kill_database(&self, host: usize) {
        network::signal_named(host, &DATABASE, "-KILL");
    }

    /// Starts a host's Patroni, and with it its Postgres.
    pub fn start_database(&self, host: usize) {
        self.host(host).start_database();
    }

    /// Stops a host's database where it is, without ending it; [`Quorum::thaw`] lets it go on.
    pub fn freeze(&self, host: usize) {
        network::signal_named(host, &DATABASE, "-STOP");
    }

    /// Lets go on what was stopped.
    pub fn thaw(&self, host: usize) {
        network::signal_named(host, &DATABASE, "-CONT");
    }

    /// Pulls a host's cable.
    pub fn cut_off(&self, host: usize) {
        network::plug(host, "down");
    }

    /// Plugs it in again.
    pub fn connect(&self, host: usize) {
        network::plug(host, "up");
    }

    /// Kills every etcd.
    pub fn kill_etcd(&self) {
        (0..HOSTS).for_each(|host| network::signal_named(host, &["etcd"], "-KILL"));
    }

    /// Starts a host's etcd.
    pub fn start_etcd(&self, host: usize) {
        self.host(host).start_etcd();
    }

    /// Kills a host's NATS without warning.
    pub fn kill_nats(&self, host: usize) {
        network::signal_named(host, &["nats-server"], "-KILL");
    }

    /// Starts a host's NATS.
    pub fn start_nats(&self, host: usize) {
        self.host(host).start_nats();
    }

    /// Which host's NATS leads the stream of events.
    pub fn nats_leader(&self) -> Option<usize> {
        let page = (0..HOSTS).find_map(|host| fetch(&format!("http://{}:8222/jsz?streams=true", address(host))))?;
        let streams = page["account_details"][0]["stream_detail"].as_array()?.clone();
        let leader = streams.first()?["cluster"]["leader"].as_str()?.to_owned();
        (0..HOSTS).find(|host| node(*host) == leader)
    }

    fn host(&self, number: usize) -> Host<'_> {
        Host {
            number,
            programs: &self.programs,
            folder: self.folder.path(),
        }
    }

    /// Keeps the folder for whoever looks for what went wrong, and says where it is.
    fn keep_logs(&self) -> String {
        let kept = env::temp_dir().join("licet-ha-logs");
        let _ = fs::remove_dir_all(&kept);
        let _ = Command::new("cp").arg("-r").arg(self.folder.path()).arg(&kept).status();
        kept.display().to_string()
    }
}

impl Drop for Quorum {
    fn drop(&mut self) {
        let _ = self.haproxy.kill();
        let _ = self.haproxy.wait();
        network::sweep();
    }
}

/// Asks a host's Patroni; answers nothing where it refuses.
fn ask(host: usize, method: &str, path: &str, body: Option<String>) -> Option<Value> {
    let url = format!("http://{}:8008{path}", address(host));
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(40)));
    let quick = config.timeout_connect(Some(Duration::from_millis(500))).build();
    let agent = ureq::Agent::new_with_config(quick);
    let answer = match body {
        Some(body) if method == "POST" => agent.post(url).content_type("application/json").send(body),
        Some(body) => agent.patch(url).content_type("application/json").send(body),
        None => agent
            .get(url)
            .config()
            .timeout_global(Some(Duration::from_secs(1)))
            .build()
            .call(),
    };
    let text = answer.ok()?.body_mut().read_to_string().ok()?;
    Some(serde_json::from_str(&text).unwrap_or_default())
}

fn fetch(url: &str) -> Option<Value> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(1)))
        .build();
    let mut answer = ureq::Agent::new_with_config(agent).get(url).call().ok()?;
    serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
}

fn node(host: usize) -> String {
    format!("db{}", host + 1)
}
