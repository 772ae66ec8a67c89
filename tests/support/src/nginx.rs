//! A real nginx in front of servers, as `infra/nginx/` sets it up.

use std::{
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    runtime::Runtime,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// The longest that an answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// nginx with TLS; dropping it ends it.
pub struct Nginx {
    process: Child,
    /// Where it listens without TLS.
    pub plain: SocketAddr,
    https: SocketAddr,
    /// What its exporter reads.
    pub status: String,
    /// Where it listens with TLS, by the certificate that it made: `https://localhost:…`.
    pub tls: String,
    /// That certificate, in PEM.
    pub certificate: Vec<u8>,
    folder: tempfile::TempDir,
}

/// What came back through nginx.
#[derive(Debug, Clone)]
pub struct Relayed {
    /// The status.
    pub status: u16,
    /// The head as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Relayed {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value)
    }
}

impl Nginx {
    /// Stands in front of `http://ADDRESS`.
    pub fn before(url: &str) -> Self {
        Self::before_all(&[url], &[])
    }

    /// Stands in front of several; what comes before its command may lie about the time, for one.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn before_all(urls: &[&str], prefix: &[&str]) -> Self {
        let programs = ["/usr/sbin/nginx", "/usr/bin/nginx"];
        let program = programs.into_iter().find(|path| Path::new(path).exists());
        let command = [prefix, &[program.expect("`./dev` installs nginx")]].concat().join(" ");
        let folder = crate::reachable_folder();
        let [plain, https, status] = [(); 3].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let nodes: Vec<&str> = urls.iter().map(|url| url.trim_start_matches("http://")).collect();
        let process = Command::new("sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/nginx/start.sh"))
            .env("NGINX", command)
            .env("NGINX_FOLDER", folder.path())
            .env("NGINX_HTTP", plain.to_string())
            .env("NGINX_HTTPS", https.to_string())
            .env("NGINX_STATUS", status.to_string())
            .env("NGINX_ACCESS_LOG", "off")
            .env("LICET_NODES", nodes.join(" "))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut nginx = Self {
            process: process.expect("nginx starts"),
            plain,
            https,
            status: format!("http://{status}/stub_status"),
            tls: format!("https://localhost:{}", https.port()),
            certificate: Vec::new(),
            folder,
        };
        for _ in 0..1_200 {
            if TcpStream::connect(nginx.https).is_ok() {
                let certificate = std::fs::read(nginx.folder.path().join("tls/tls.crt"));
                nginx.certificate = certificate.expect("it has made one");
                return nginx;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nginx does not listen")
    }

    /// Posts JSON as someone at this loopback address; answers status and body.
    pub fn post_from(&self, from: IpAddr, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let json = [("Content-Type", "application/json"), ("X-Licet-Request", "1")];
        let answer = self.send_from(from, "POST", path, &[&json, headers].concat(), body.as_bytes());
        (answer.status, answer.body)
    }

    /// Sends a request, its path as it is written, from a loopback address.
    ///
    /// # Panics
    ///
    /// When nginx does not answer.
    pub fn send_from(&self, from: IpAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Relayed {
        let head = head(method, path, headers, "close");
        let request = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        let exchange = async {
            let mut stream = self.connect(from).await;
            stream.write_all(request.as_bytes()).await.expect("it takes requests");
            // A body that is too large need not be taken to its end.
            let _ = stream.write_all(body).await;
            let mut answer = Vec::new();
            // Whether the end is announced does not matter: the length is.
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        let runtime = Runtime::new().expect("a runtime starts");
        let answer = runtime.block_on(async { timeout(PATIENCE, exchange).await });
        let answer = String::from_utf8_lossy(&answer.expect("nginx answers")).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Relayed {
            status: status.expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Reads an answer until a text is in it.
    ///
    /// # Panics
    ///
    /// When that takes a minute.
    pub fn read_until(&self, path: &str, headers: &[(&str, &str)], text: &str) -> String {
        let request = head("GET", path, headers, "keep-alive") + "\r\n";
        let reading = async {
            let mut stream = self.connect(IpAddr::from([127, 0, 0, 1])).await;
            stream.write_all(request.as_bytes()).await.expect("it takes requests");
            let mut answer = Vec::new();
            while !String::from_utf8_lossy(&answer).contains(text) {
                let read = stream.read_buf(&mut answer).await;
                assert!(read.is_ok_and(|read| read > 0), "{}", String::from_utf8_lossy(&answer));
            }
            String::from_utf8_lossy(&answer).into_owned()
        };
        let runtime = Runtime::new().expect("a runtime starts");
        runtime
            .block_on(async { timeout(PATIENCE, reading).await })
            .expect("it comes at once")
    }

    async fn connect(&self, from: IpAddr) -> TlsStream<tokio::net::TcpStream> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(&self.certificate).expect("a certificate");
        roots.add(certificate).expect("it can be trusted");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from, 0)).expect("a loopback address");
        let stream = socket.connect(self.https).await.expect("nginx listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        connector
            .connect(name, stream)
            .await
            .expect("its certificate is its own")
    }
}

impl Nginx {
    /// Gives it another certificate, good for so many days, as who renews one does.
    ///
    /// # Panics
    ///
    /// When that does not work.
    pub fn renew(&mut self, days: u32) {
        let tls = self.folder.path().join("tls");
        make_certificate(&tls, days);
        self.certificate = std::fs::read(tls.join("tls.crt")).expect("it was made");
        let master = std::fs::read_to_string(self.folder.path().join("nginx.pid")).expect("nginx runs");
        let asked = Command::new("kill").args(["-HUP", master.trim()]).status();
        assert!(asked.is_ok_and(|asked| asked.success()), "nginx reads it");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends its workers; killed, it could not. What lies about the time stands before it, and ends with it.
        let master = std::fs::read_to_string(self.folder.path().join("nginx.pid")).unwrap_or_default();
        let asked = Command::new("kill").args(["-TERM", master.trim()]).status();
        if !asked.is_ok_and(|asked| asked.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], connection: &str) -> String {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: {connection}\r\n")
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a loopback port is free").port()
}

/// Puts a key and a certificate for `localhost` into a folder, good for so many days.
///
/// # Panics
///
/// When that does not work.
pub fn make_certificate(tls: &Path, days: u32) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args([
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .arg("-days")
        .arg(days.to_string())
        .arg("-keyout")
        .arg(tls.join("tls.key"))
        .arg("-out")
        .arg(tls.join("tls.crt"))
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|made| made.success()), "openssl makes a certificate");
}
