//! Traces, as a real collector receives them: rotel, by OTLP over HTTP.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use licet_test_support::{Server, eventually};
use serde_json::json;

use crate::{new_database, tools::tool};

/// A collector; dropping it ends it.
struct Collector {
    process: Child,
    url: String,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.unwrap().to_string()
}

/// The program that lies in the package.
fn program(python: &Path) -> Option<PathBuf> {
    let said = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
    let said = Command::new(python).args(["-c", said]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    if !path.exists() {
        eprintln!("SKIPPED: there is no rotel; ./dev test installs it");
        return None;
    }
    // pip lays it down as a file like any other.
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, executable).unwrap();
    Some(path)
}

fn collector() -> Option<Collector> {
    let program = program(&tool("LICET_PYTHON_BIN", "python")?)?;
    let folder = tempfile::tempdir().unwrap();
    let (log, [http, grpc]) = (folder.path().join("log"), [(); 2].map(|()| free_address()));
    let process = Command::new(program)
        .args(["start", "--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
        .args(["--exporter", "blackhole", "--debug-log", "traces"])
        .args(["--debug-log-verbosity", "detailed"])
        .stdout(fs::File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(eventually(|| std::net::TcpStream::connect(&http).is_ok()));
    Some(Collector {
        process,
        url: format!("http://{http}"),
        log,
        _folder: folder,
    })
}

/// The spans of a trace: their names, with the names of those above them.
fn spans(log: &Path, trace: &str) -> BTreeMap<String, Option<String>> {
    let said = fs::read_to_string(log).unwrap();
    let field = |span: &str, name: &str| {
        let line = span.lines().find(|line| line.trim_start().starts_with(name));
        let value = line
            .and_then(|line| line.split_once(": "))
            .map(|(_, value)| value.trim());
        value.unwrap_or_default().to_owned()
    };
    let of_trace: Vec<&str> = said
        .split("Span #")
        .filter(|span| field(span, "Trace ID") == trace)
        .collect();
    let named: BTreeMap<String, String> = of_trace
        .iter()
        .map(|span| (field(span, "ID"), field(span, "Name")))
        .collect();
    let above = |span: &str| named.get(&field(span, "Parent ID")).cloned();
    of_trace.iter().map(|span| (field(span, "Name"), above(span))).collect()
}

#[test]
fn a_request_its_append_and_its_folding_are_one_trace_on_two_nodes() {
    let Some(collector) = collector() else { return };
    let database = new_database();
    let traced = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
    ];
    // One answers, the other folds.
    let [answers, _folds] = ["client,admin", "worker"].map(|roles| Server::start_as(roles, &database.url, &traced));
    let made = answers.create("/api/admin/products", &json!({ "code": "studio", "name": "Studio" }));
    // Where the caller names none, the request's id is the trace's.
    let trace = made.header("x-request-id").to_owned();
    let request = "POST /api/admin/products".to_owned();
    let wanted = BTreeMap::from([
        (request.clone(), None),
        ("append".to_owned(), Some(request.clone())),
        ("project".to_owned(), Some(request)),
    ]);
    assert!(
        eventually(|| spans(&collector.log, &trace) == wanted),
        "{:?}",
        spans(&collector.log, &trace)
    );
    assert!(answers.terminate(), "the last spans are no reason to stay");
}

#[test]
fn a_collector_that_is_away_keeps_nobody_waiting() {
    let database = new_database();
    let nowhere = format!("http://{}", free_address());
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere.as_str()),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
    ];
    let server = Server::start_with(&database.url, &settings);
    let (_, key) = server.issue("studio", &json!({ "seats": 1 }));
    assert_eq!(server.activate(&key, 1).status, 201);
    assert!(server.terminate());
}
