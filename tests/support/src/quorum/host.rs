//! What runs on a host, as the user whom Postgres runs as.

use std::{
    env,
    fs::{self, File},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use super::{
    HOSTS, PASSWORD, QuorumPrograms,
    network::{address, namespace},
    node,
};

/// One host's programs and folder.
pub(super) struct Host<'a> {
    pub(super) number: usize,
    pub(super) programs: &'a QuorumPrograms,
    /// The folder of all hosts.
    pub(super) folder: &'a Path,
}

impl Host<'_> {
    /// Starts Patroni, and with it its Postgres.
    pub(super) fn start_database(&self) {
        let host = self.number;
        let own = address(host);
        let etcd: Vec<String> = (0..HOSTS).map(|host| format!("{}:2379", address(host))).collect();
        let mut command = self.within(&self.programs.python.join("patroni"), "patroni");
        command.arg(infra("patroni/patroni.yml"));
        let settings = [
            ("NAME", node(host)),
            ("ETCD3_HOSTS", etcd.join(",")),
            ("RESTAPI_LISTEN", format!("{own}:8008")),
            ("RESTAPI_CONNECT_ADDRESS", format!("{own}:8008")),
            ("POSTGRESQL_LISTEN", format!("{own}:5432")),
            ("POSTGRESQL_CONNECT_ADDRESS", format!("{own}:5432")),
            ("POSTGRESQL_DATA_DIR", self.home("data").display().to_string()),
            ("POSTGRESQL_BIN_DIR", postgres_programs()),
            ("SUPERUSER_USERNAME", "postgres".to_owned()),
            ("SUPERUSER_PASSWORD", PASSWORD.to_owned()),
            ("REPLICATION_USERNAME", "replicator".to_owned()),
            ("REPLICATION_PASSWORD", PASSWORD.to_owned()),
        ];
        command.envs(settings.map(|(name, value)| (format!("PATRONI_{name}"), value)));
        spawn(command);
    }

    /// Starts etcd.
    pub(super) fn start_etcd(&self) {
        let host = self.number;
        let own = address(host);
        let peers: Vec<String> = (0..HOSTS)
            .map(|host| format!("{}=http://{}:2380", node(host), address(host)))
            .collect();
        let mut command = self.within(&self.programs.debian.join("bin/etcd"), "etcd");
        command.args([
            "--name",
            &node(host),
            "--initial-cluster",
            &peers.join(","),
            "--data-dir",
        ]);
        command.arg(self.home("etcd"));
        for (role, port) in [("client", 2379), ("peer", 2380)] {
            let url = format!("http://{own}:{port}");
            command.args([format!("--listen-{role}-urls"), url.clone()]);
            let told = if role == "peer" {
                "--initial-advertise-peer-urls"
            } else {
                "--advertise-client-urls"
            };
            command.args([told, &url]);
        }
        // Two processors bear all of this at once.
        command.args(["--heartbeat-interval", "200", "--election-timeout", "2000"]);
        spawn(command);
    }

    /// Starts NATS.
    pub(super) fn start_nats(&self) {
        let host = self.number;
        let routes: Vec<String> = (0..HOSTS)
            .map(|host| format!("nats://{}:6222", address(host)))
            .collect();
        let file = self.home("nats").with_extension("conf");
        let own = address(host);
        let store = self.home("nats");
        let config = format!(
            "server_name: {}\nlisten: {own}:4222\nhttp: {own}:8222\njetstream {{ store_dir: \"{}\", sync_interval: always }}\n\
             cluster {{ name: licet, listen: {own}:6222, routes: {routes:?} }}\n",
            node(host),
            store.display(),
        );
        fs::write(&file, config).expect("the folder can be written");
        let mut command = self.within(&self.programs.python.join("nats-server"), "nats");
        command.arg("-c").arg(file);
        spawn(command);
    }

    /// A command within a host, as the user whom Postgres runs as, in a folder of its own.
    fn within(&self, program: &Path, what: &str) -> Command {
        let home = self.home("");
        fs::create_dir_all(&home).expect("the folder can be written");
        let (user, group) = postgres_user();
        chown(&home, Some(user), Some(group)).expect("it is ours");
        let log = File::options()
            .create(true)
            .append(true)
            .open(home.join(format!("{what}.log")));
        let log = log.expect("the folder can be written");
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &namespace(self.number), "setpriv", "--init-groups"])
            // Root's own folders, such as that of the programs, are closed to others.
            .args(["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"])
            .args([format!("--reuid={user}"), format!("--regid={group}"), "--".to_owned()])
            .arg(program)
            .env("HOME", &home)
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log);
        command
    }

    fn home(&self, part: &str) -> PathBuf {
        self.folder.join(node(self.number)).join(part)
    }
}

/// Starts a process that is found again by its namespace.
fn spawn(mut command: Command) {
    let mut child = command.spawn().expect("it starts");
    // Whoever kills it wants no zombie.
    thread::spawn(move || child.wait());
}

/// Leads to whichever host is the primary.
pub(super) fn haproxy(programs: &QuorumPrograms, listen: &str, status: &str, folder: &Path) -> Child {
    let libraries = programs.debian.join(format!("lib/{}-linux-gnu", env::consts::ARCH));
    let log = File::create(folder.join("haproxy.log")).expect("the folder can be written");
    let mut command = Command::new(programs.debian.join("sbin/haproxy"));
    command.args(["-db", "-f"]).arg(infra("haproxy/haproxy.cfg"));
    command
        .env("LD_LIBRARY_PATH", libraries)
        .env("HAPROXY_LISTEN", listen)
        .env("HAPROXY_STATUS", status);
    command.envs((0..HOSTS).map(|host| (format!("DATABASE_{}", host + 1), format!("{}:5432", address(host)))));
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    started.expect("HAProxy starts")
}

fn infra(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra").join(file)
}

fn postgres_programs() -> String {
    let found = Command::new("sh")
        .args(["-c", "ls -d /usr/lib/postgresql/*/bin | tail -1"])
        .output();
    String::from_utf8_lossy(&found.expect("`./dev` installs Postgres").stdout)
        .trim()
        .to_owned()
}

fn postgres_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .expect("`./dev` installs Postgres");
    let mut ids = line.split(':').skip(2).map_while(|field| field.parse().ok());
    (
        ids.next().expect("a user has a number"),
        ids.next().expect("and a group"),
    )
}
