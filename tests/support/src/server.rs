//! `licet serve` as a process of its own, and requests to it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::Value;
use ureq::Agent;

use crate::document::expect_described;

/// The bootstrap key of every server here.
pub const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";
/// What signs activation tokens, and what everything sealed is sealed with.
pub const SECRET: &str = "5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f";

/// A command of ours, such as `licet-client`, as it was built beside this test.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its file");
    let folder = test.ancestors().nth(2).expect("tests are built two folders below");
    // Benchmarks lie beside it.
    let beside = test.with_file_name(name);
    let path: PathBuf = if beside.exists() { beside } else { folder.join(name) };
    assert!(path.exists(), "build the command first: cargo build --workspace --bins");
    path
}

/// The `licet` command.
pub fn licet(database_url: &str) -> Command {
    licet_of(&built("licet"), database_url)
}

/// The same of another build.
pub fn licet_of(program: &Path, database_url: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("DATABASE_URL", database_url)
        .env("SECRET_KEY", SECRET)
        .env("JWT_SECRET", SECRET)
        .env("API_KEY", API_KEY)
        // Tests ask far more often than people; those of the limits themselves set their own.
        .env("API_RATE_LIMIT", "1000000 per minute")
        .env("LOGIN_RATE_LIMIT", "1000000 per minute");
    command
}

/// A running server; dropping it kills it.
pub struct Server {
    process: Child,
    /// Such as `http://127.0.0.1:40123`.
    pub url: String,
    agent: Agent,
    /// Its own description, read with the first answer.
    document: OnceLock<Value>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The lines of `Set-Cookie`.
    pub cookies: Vec<String>,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; `null` where it is none.
    pub body: Value,
}

impl Answer {
    /// The problem's code, or the verdict's.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A text field.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl Server {
    /// Starts a server and waits until it listens.
    pub fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[])
    }

    /// The same with further settings in its environment.
    pub fn start_with(database_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_at_with(database_url, "127.0.0.1:0", settings)
    }

    /// The same with these roles alone.
    pub fn start_as(roles: &str, database_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = licet(database_url);
        command.envs(settings.iter().copied());
        Self::run(command, &["--roles", roles, "--listen", "127.0.0.1:0"])
    }

    /// The same in a process that may open so many files.
    pub fn start_limited(database_url: &str, files: u32) -> Self {
        let plain = licet(database_url);
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")])
            .arg(plain.get_program());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::run(command, &["--listen", "127.0.0.1:0"])
    }

    /// The same on a private Postgres in a folder, by who has a strict umask and settings for other programs' databases.
    pub fn start_embedded(folder: &Path) -> Self {
        Self::start_embedded_at(folder, "127.0.0.1:0", &[])
    }

    /// The same at an address, with these settings in its environment.
    pub fn start_embedded_at(folder: &Path, address: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_embedded_with(folder, address, settings, &[])
    }

    /// The same with further options.
    pub fn start_embedded_with(folder: &Path, address: &str, settings: &[(&str, &str)], options: &[&str]) -> Self {
        let plain = licet("");
        let mut command = Command::new("sh");
        command
            .args(["-c", "umask 077; exec \"$0\" \"$@\""])
            .arg(plain.get_program())
            .env("API_KEY", API_KEY)
            .env_remove("DATABASE_URL")
            .env("PGSSLMODE", "verify-full")
            .env("PGSERVICE", "another")
            .envs(settings.iter().copied())
            .arg("--embedded")
            .arg("--data-dir")
            .arg(folder);
        Self::run(command, &[&["--listen", address], options].concat())
    }

    /// The same at an address that was free a moment ago.
    pub fn start_at(database_url: &str, address: &str) -> Self {
        Self::start_at_with(database_url, address, &[])
    }

    /// The same with further settings in its environment.
    pub fn start_at_with(database_url: &str, address: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_command(licet(database_url), address, settings)
    }

    /// The same of a command that was made by [`licet_of`].
    pub fn start_command(mut command: Command, address: &str, settings: &[(&str, &str)]) -> Self {
        command.envs(settings.iter().copied());
        Self::run(command, &["--listen", address])
    }

    fn run(mut command: Command, options: &[&str]) -> Self {
        command.arg("serve").args(options).stdout(Stdio::piped()).stderr(log());
        let mut process = command.spawn().expect("the server starts");
        let stdout = process.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it prints a line");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the line says where")
            .to_owned();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections_per_host(64)
            .build();
        Self {
            process,
            url,
            agent: config.into(),
            document: OnceLock::new(),
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it without warning.
    pub fn kill(mut self) {
        self.process.kill().expect("it runs");
        let _ = self.process.wait();
    }

    /// Ends it in order and says whether all was well.
    pub fn terminate(mut self) -> bool {
        let status = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        status.is_ok_and(|status| status.success()) && self.process.wait().is_ok_and(|status| status.success())
    }

    /// Sends a request with the bootstrap key.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, &[("x-api-key", API_KEY)], body.to_string().as_bytes())
    }

    /// Creates something and insists on it.
    pub fn create(&self, path: &str, body: &Value) -> Answer {
        let answer = self.send("POST", path, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer
    }

    /// Reads with the bootstrap key.
    pub fn get(&self, path: &str) -> Answer {
        self.send_with("GET", path, &[("x-api-key", API_KEY)], b"")
    }

    /// Sends a request with these headers; answers even when the server breaks off, with status 0. What it answers has to
    /// be in its document.
    pub fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.ask(method, path, headers, body);
        if answer.status != 0
            && let Some(document) = self.document()
        {
            expect_described(&answer, method, path, document);
        }
        answer
    }

    /// Its own description; `None` where it was killed before it was asked for it.
    fn document(&self) -> Option<&Value> {
        if self.document.get().is_none() {
            let document = self.ask("GET", "/api/openapi.json", &[], b"");
            if document.status == 0 && TcpStream::connect(self.url.trim_start_matches("http://")).is_err() {
                return None;
            }
            assert_eq!(document.status, 200, "the document does not load: {}", document.body);
            // Another thread may have been faster: both read the same.
            let _ = self.document.set(document.body);
        }
        self.document.get()
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).expect("the request is well-formed");
        let config = self
            .agent
            .configure_request(request)
            .allow_non_standard_methods(true)
            .build();
        let nothing = |error: String| Answer {
            status: 0,
            headers: BTreeMap::new(),
            cookies: vec![],
            bytes: vec![],
            body: Value::String(error),
        };
        let mut response = match self.agent.run(config) {
            Ok(response) => response,
            Err(error) => return nothing(error.to_string()),
        };
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies = cookies
            .filter_map(|line| line.to_str().ok().map(str::to_owned))
            .collect();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let status = response.status().as_u16();
        // A stream has no end that could be waited for.
        let endless = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        if endless {
            return Answer {
                status,
                headers,
                cookies,
                bytes: vec![],
                body: Value::Null,
            };
        }
        match response.body_mut().read_to_vec() {
            Ok(bytes) => Answer {
                status,
                headers,
                cookies,
                body: serde_json::from_slice(&bytes).unwrap_or_default(),
                bytes,
            },
            Err(error) => nothing(error.to_string()),
        }
    }

    /// Sends with a credential of one's own.
    pub fn send_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(method, path, &[("x-api-key", key)], body.to_string().as_bytes())
    }

    /// A product, a policy with these terms, a customer and a license; answers the license's id and key.
    pub fn issue(&self, code: &str, terms: &Value) -> (String, String) {
        self.create(
            "/api/admin/products",
            &serde_json::json!({ "code": code, "name": code }),
        );
        let mut policy = serde_json::json!({ "code": code, "product": code });
        if let (Some(policy), Some(terms)) = (policy.as_object_mut(), terms.as_object()) {
            policy.extend(terms.clone());
        }
        self.create("/api/admin/policies", &policy);
        let customer = serde_json::json!({ "name": "Universität Wien", "email": "licenses@univie.ac.at" });
        let customer = self.create("/api/admin/customers", &customer);
        let order = serde_json::json!({ "customer_id": customer.text("id"), "policy": code });
        let issued = self.create("/api/admin/licenses", &order);
        let license = &issued.body["items"][0];
        let text = |name: &str| license[name].as_str().unwrap_or_default().to_owned();
        (text("id"), text("key"))
    }

    /// Activates a machine by number.
    pub fn activate(&self, key: &str, machine: u32) -> Answer {
        self.send("POST", "/api/license/activate", &machine_request(key, machine))
    }

    /// Sends a beat with an activation's token.
    pub fn beat(&self, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.send_with("POST", "/api/license/heartbeat", &headers, body.to_string().as_bytes())
    }

    /// Edits what was read with this tag.
    pub fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        let headers = [("x-api-key", API_KEY), ("if-match", tag)];
        self.send_with("PATCH", path, &headers, body.to_string().as_bytes())
    }

    /// Takes out of use what was read with this tag.
    pub fn retire(&self, path: &str, tag: &str) -> Answer {
        let headers = [("x-api-key", API_KEY), ("if-match", tag)];
        self.send_with("DELETE", path, &headers, b"")
    }

    /// Reads with the bootstrap key, once the read models know a position.
    pub fn get_at(&self, position: &str, path: &str) -> Answer {
        assert!(
            position.parse::<u64>().is_ok(),
            "{position:?} is no position to wait for"
        );
        let headers = [("x-api-key", API_KEY), ("licet-min-position", position)];
        let mut answer = self.send_with("GET", path, &headers, b"");
        // The server waits five seconds; a busy machine may take longer.
        for _ in 0..12 {
            if answer.code() != "READ_MODEL_BEHIND" {
                break;
            }
            answer = self.send_with("GET", path, &headers, b"");
        }
        answer
    }

    /// Verifies a machine by number.
    pub fn verify(&self, key: &str, machine: u32) -> Answer {
        self.send("POST", "/api/license/verify", &machine_request(key, machine))
    }
}

/// What a machine by number sends to activate and to verify.
pub fn machine_request(key: &str, machine: u32) -> Value {
    serde_json::json!({
        "license_key": key,
        "fingerprint": {
            "mac_addresses": [format!("3c:52:{:02x}:{:02x}:{:02x}:{:02x}", machine >> 24, machine >> 16 & 255, machine >> 8 & 255, machine & 255)],
            "cpu_id": "one model for all",
            "system_uuid": format!("00000000-0000-4000-8000-{:012x}", u64::from(machine) + 1),
        },
        "hostname": format!("machine-{machine}"),
        "nonce": format!("nonce-{machine}"),
    })
}

/// What servers log goes nowhere, or behind what is in the file that `LICET_SERVER_LOG` names.
fn log() -> Stdio {
    let file = std::env::var_os("LICET_SERVER_LOG");
    let file = file.and_then(|file| std::fs::File::options().create(true).append(true).open(file).ok());
    file.map_or_else(Stdio::null, Stdio::from)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
