//! Peers that are not ours: a target of webhooks, a mail server, the real NATS server, and a real pooler.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// A request that a target got.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// A target of webhooks on a free loopback port.
pub struct Target {
    /// Where it listens.
    pub url: String,
    got: Arc<Mutex<Vec<Delivered>>>,
}

impl Target {
    /// Takes whatever it gets.
    pub fn accepting() -> Self {
        Self::start(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned())
    }

    /// Answers each request with what `answer` makes of its number, counted from 0: a whole HTTP answer.
    pub fn start(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let got: Arc<Mutex<Vec<Delivered>>> = Arc::default();
        let own = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let number = {
                    let mut got = own.lock().unwrap_or_else(PoisonError::into_inner);
                    got.push(request);
                    got.len() - 1
                };
                let _ = (&stream).write_all(answer(number).as_bytes());
            }
        });
        Self { url, got }
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<Delivered> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it got so many.
    ///
    /// # Panics
    ///
    /// When it did not within a minute.
    pub fn wait_for(&self, count: usize) -> Vec<Delivered> {
        for _ in 0..1_200 {
            if self.got().len() >= count {
                return self.got();
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{} of {count} deliveries arrived", self.got().len())
    }
}

fn read(stream: &TcpStream) -> Option<Delivered> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(':') {
            Some((name, value)) => _ = headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        }
    }
    let length: usize = headers
        .get("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Delivered {
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// A mail server that takes everything.
pub struct MailSink {
    /// Where it listens, as `SMTP_URL` names it.
    pub url: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl MailSink {
    /// Starts it on a free loopback port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let url = format!("smtp://{}", listener.local_addr().expect("it is bound"));
        let got: Arc<Mutex<Vec<String>>> = Arc::default();
        let own = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = Arc::clone(&own);
                thread::spawn(move || converse(&stream, &own));
            }
        });
        Self { url, got }
    }

    /// Mails that it took, envelope recipients in front.
    pub fn got(&self) -> Vec<String> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// RFC 5321, as much as one client needs.
fn converse(stream: &TcpStream, got: &Mutex<Vec<String>>) -> Option<()> {
    let say = |text: &str| (&*stream).write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 sink")?;
    let mut lines = BufReader::new(stream).lines();
    let mut mail = String::new();
    while let Some(Ok(line)) = lines.next() {
        match line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase()
            .as_str()
        {
            "EHLO" | "HELO" => say("250 sink")?,
            "RCPT" => {
                mail = format!("{line}\n");
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                got.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
                say("250 taken")?;
            }
            "QUIT" => {
                say("221 bye")?;
                return Some(());
            }
            _ => say("250 ok")?,
        }
    }
    Some(())
}

/// A real NATS server with JetStream; dropping it ends it.
pub struct Nats {
    process: Child,
    /// Where it listens.
    pub url: String,
    /// A page that tells its health.
    pub health: String,
    ports: [u16; 2],
    folder: tempfile::TempDir,
}

impl Nats {
    /// Starts it on a free loopback port, with an empty store.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // A port of its own choice.
        let (process, ports) = Self::run(None, &folder);
        let [clients, health] = ports;
        Self {
            process,
            url: format!("nats://127.0.0.1:{clients}"),
            health: format!("http://127.0.0.1:{health}/healthz"),
            ports,
            folder,
        }
    }

    /// At these ports, of clients and of its health, or where it likes; answers where that is.
    fn run(ports: Option<[u16; 2]>, folder: &tempfile::TempDir) -> (Child, [u16; 2]) {
        let program = [
            "/usr/sbin/nats-server",
            "/usr/bin/nats-server",
            "/usr/local/bin/nats-server",
        ]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .expect("`./dev` installs nats-server");
        let any = ["-1".to_owned(), "-1".to_owned()];
        let [clients, health] = ports.map_or(any, |ports| ports.map(|port| port.to_string()));
        let mut process = Command::new(program)
            .args(["-js", "-a", "127.0.0.1", "-p", &clients, "-m", &health, "-sd"])
            .arg(folder.path())
            .arg("--ports_file_dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        // It writes where it listens once it does.
        let told = folder.path().join(format!("nats-server_{}.ports", process.id()));
        for _ in 0..1_200 {
            let ports = std::fs::read_to_string(&told).unwrap_or_default();
            let ports = serde_json::from_str::<serde_json::Value>(&ports).unwrap_or_default();
            let port = |name: &str| {
                ports[name][0]
                    .as_str()
                    .and_then(|url| url.rsplit(':').next()?.parse().ok())
            };
            if let (Some(clients), Some(health)) = (port("nats"), port("monitoring")) {
                return (process, [clients, health]);
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = process.kill();
        let _ = process.wait();
        panic!("nats-server does not listen")
    }

    /// Ends it without warning.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it, empties its store and starts it again at the same place.
    pub fn wipe(&mut self) {
        self.stop();
        self.folder = tempfile::tempdir().expect("a temporary folder can be made");
        (self.process, self.ports) = Self::run(Some(self.ports), &self.folder);
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A real `PgBouncer` in front of a database; dropping it ends it.
pub struct PgBouncer {
    process: Child,
    /// The database through it.
    pub url: String,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Pools by `session` or by `transaction`, and ignores what most installations do.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn before(database_url: &str, mode: &str) -> Self {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("`./dev` installs pgbouncer");
        // postgres://USER@HOST:PORT/NAME
        let (_, rest) = database_url.split_once("//").expect("an address");
        let (user, place) = rest.split_once('@').expect("a user");
        let (address, name) = place.split_once('/').expect("a database");
        let (host, port) = address.split_once(':').expect("a port");
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let name = name.split('?').next().unwrap_or(name);
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let own = free.expect("a loopback port is free").port();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let config = format!(
            "[databases]\n{name} = host={host} port={port} user={user} password={password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {own}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             ignore_startup_parameters = extra_float_digits,options,search_path\nserver_reset_query = DISCARD ALL\n"
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, config).expect("the folder can be written");
        let mut command = Command::new(program);
        command.arg("-q").arg(&file);
        // It refuses to run as root; whoever owns the private clusters of tests may read its file.
        if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            let reachable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(folder.path(), reachable).expect("it is ours");
            command.args(["-u", "postgres"]);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pooler = Self {
            process: process.expect("pgbouncer starts"),
            url: format!("postgres://{user}@127.0.0.1:{own}/{name}"),
            _folder: folder,
        };
        for _ in 0..1_200 {
            if TcpStream::connect(("127.0.0.1", own)).is_ok() {
                return pooler;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("pgbouncer does not listen")
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
