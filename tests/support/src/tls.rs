//! What stands between a client and a server in a company: TLS under its own authority, and a proxy.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// TLS in front of a server, under an authority that nobody knows.
pub struct TlsFront {
    /// Where it listens: `https://localhost:…`.
    pub url: String,
    /// The authority's certificate in PEM.
    pub authority: String,
    _runtime: Runtime,
}

impl TlsFront {
    /// Stands in front of `http://ADDRESS`.
    ///
    /// # Panics
    ///
    /// When no loopback port is free.
    pub fn before(url: &str) -> Self {
        let target: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        let mut of_authority = CertificateParams::new(vec![]).expect("no names are fine");
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("keys can be made");
        let authority = CertifiedIssuer::self_signed(of_authority, key).expect("it signs itself");
        let key = KeyPair::generate().expect("keys can be made");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &authority).expect("the authority signs");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = Runtime::new().expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut inner = acceptor.accept(stream).await.ok()?;
                    let mut outer = TcpStream::connect(target).await.ok()?;
                    copy_bidirectional(&mut inner, &mut outer).await.ok()
                });
            }
        });
        Self {
            url: format!("https://localhost:{port}"),
            authority: authority.pem(),
            _runtime: runtime,
        }
    }
}

/// A proxy that opens tunnels, and counts them.
pub struct HttpProxy {
    /// Where it listens: `http://127.0.0.1:…`.
    pub url: String,
    tunnels: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl HttpProxy {
    /// On a free loopback port.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let tunnels = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&tunnels);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, Arc::clone(&count)));
            }
        });
        Self {
            url,
            tunnels,
            _runtime: runtime,
        }
    }

    /// How many tunnels it has opened.
    pub fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::SeqCst)
    }
}

async fn tunnel(mut stream: TcpStream, count: Arc<AtomicUsize>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let mut outer = TcpStream::connect(target).await.ok()?;
    count.fetch_add(1, Ordering::SeqCst);
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    copy_bidirectional(&mut stream, &mut outer).await.ok().map(|_| ())
}
