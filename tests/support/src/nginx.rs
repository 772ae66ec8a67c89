//! A real nginx in front of a server, as docs tell people to set it up.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair};
use tokio::{net::TcpSocket, runtime::Runtime};

/// nginx with TLS and without; dropping it ends it.
pub struct Nginx {
    process: Child,
    /// Where it listens without TLS.
    pub plain: SocketAddr,
    /// Where it listens with TLS, by a certificate of its own making: `https://localhost:…`.
    pub tls: String,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Stands in front of `http://ADDRESS`.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn before(url: &str) -> Self {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"];
        let program = program.into_iter().find(|path| Path::new(path).exists());
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // Its workers are another user's.
        let reachable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), reachable).expect("it is ours");
        let [plain, tls] = [(); 2].map(|()| free_port());
        let key = KeyPair::generate().expect("keys can be made");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("it signs itself");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
        write("tls.crt", &certificate.pem());
        write("tls.key", &key.serialize_pem());
        write("nginx.conf", &configuration(folder.path(), (plain, tls), url));
        let process = Command::new(program.expect("`./dev` installs nginx"))
            .arg("-e")
            .arg(folder.path().join("error.log"))
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let proxy = Self {
            process: process.expect("nginx starts"),
            plain: SocketAddr::from(([127, 0, 0, 1], plain)),
            tls: format!("https://localhost:{tls}"),
            _folder: folder,
        };
        for _ in 0..1_200 {
            if TcpStream::connect(proxy.plain).is_ok() {
                return proxy;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nginx does not listen")
    }

    /// Posts JSON as someone at this loopback address; answers status and body.
    ///
    /// # Panics
    ///
    /// When nginx does not answer.
    pub fn post_from(&self, from: IpAddr, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let connect = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(self.plain).await?.into_std()
        };
        let mut stream = Runtime::new()
            .expect("a runtime starts")
            .block_on(connect)
            .expect("nginx listens");
        stream.set_nonblocking(false).expect("it is ours");
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Licet-Request: 1\r\n{headers}\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.plain,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it takes requests");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status.expect("a status"), body.to_owned())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends its workers; killed, it could not.
        let asked = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        if asked.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a loopback port is free").port()
}

fn configuration(folder: &Path, (plain, tls): (u16, u16), url: &str) -> String {
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = kinds
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\npid {folder}/pid;\nworker_processes 1;\nevents {{ }}\nhttp {{\naccess_log off;\n{temporary}\
         server {{\nlisten 127.0.0.1:{plain};\nlisten 127.0.0.1:{tls} ssl;\nssl_certificate {folder}/tls.crt;\n\
         ssl_certificate_key {folder}/tls.key;\nlocation / {{\nproxy_pass {url};\nproxy_http_version 1.1;\n\
         proxy_set_header Connection \"\";\nproxy_set_header Host $http_host;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         proxy_set_header X-Forwarded-Proto $scheme;\n}}\n}}\n}}\n"
    )
}
