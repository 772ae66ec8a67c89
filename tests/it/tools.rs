//! The API's description as others' tools see it: validators, generators of clients, and a generator of requests.
//!
//! `./dev test` installs the tools; without them the tests say SKIPPED.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use licet_test_support::Server;
use serde_json::Value;

use crate::start;

pub(crate) const API_KEY: &str = "0f2a-bootstrap-key-of-the-tests";

/// A file of `tests/contract/`.
pub(crate) fn contract(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract").join(name)
}

/// A program of the tools' environment that a setting names.
pub(crate) fn tool(setting: &str, name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os(setting).map(PathBuf::from) else {
        eprintln!("SKIPPED: {setting} names no folder with {name}; ./dev test installs one");
        return None;
    };
    Some(folder.join(name))
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{printed}\n{complained}");
    printed
}

/// The description in a folder of its own.
fn written(server: &Server) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("licet.json");
    std::fs::write(&file, server.get("/api/openapi.json").bytes).unwrap();
    (folder, file)
}

#[test]
fn the_description_is_valid() {
    let (server, _database) = start();
    let (folder, file) = written(&server);
    if let Some(python) = tool("LICET_PYTHON_BIN", "python") {
        run(Command::new(python).args(["-m", "openapi_spec_validator"]).arg(&file));
    }
    if let Some(redocly) = tool("LICET_NODE_BIN", "redocly") {
        run(Command::new(redocly)
            .args(["lint", "--format", "summary"])
            .arg(&file)
            .env("REDOCLY_TELEMETRY", "off")
            .current_dir(folder.path()));
    }
}

#[test]
fn a_client_that_python_generated_works() {
    let (server, _database) = start();
    let (folder, file) = written(&server);
    let Some(generator) = tool("LICET_PYTHON_BIN", "openapi-python-client") else {
        return;
    };
    run(Command::new(&generator)
        .args(["generate", "--path"])
        .arg(&file)
        .arg("--output-path")
        .arg(folder.path().join("made")));
    let printed = run(Command::new(generator.with_file_name("python"))
        .arg(contract("client.py"))
        .args([&server.url, API_KEY])
        .env("PYTHONPATH", folder.path().join("made")));
    assert_eq!(printed.trim(), "well");
}

#[test]
fn a_client_that_typescript_has_typed_works() {
    let (server, _database) = start();
    let (folder, file) = written(&server);
    let Some(generator) = tool("LICET_NODE_BIN", "openapi-typescript") else {
        return;
    };
    let modules = generator.ancestors().nth(2).unwrap();
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    run(Command::new(&generator)
        .arg(&file)
        .arg("-o")
        .arg(folder.path().join("licet.d.ts")));
    std::fs::copy(contract("client.ts"), folder.path().join("client.ts")).unwrap();
    std::fs::write(folder.path().join("package.json"), r#"{ "type": "module" }"#).unwrap();
    let settings = [
        "--strict",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "esnext",
    ];
    run(Command::new(generator.with_file_name("tsc"))
        .args(settings)
        .args(["--moduleResolution", "bundler", "--types", "node", "client.ts"])
        .current_dir(folder.path()));
    let printed = run(Command::new("node")
        .args(["client.js", &server.url, API_KEY])
        .current_dir(folder.path()));
    assert_eq!(printed.trim(), "well");
}

/// Requests that schemathesis generates of the description, with and without a key: no 500, and every answer as described.
#[test]
fn generated_requests_are_answered_as_described() {
    let (server, _database) = start();
    let (folder, file) = written(&server);
    let Some(generator) = tool("LICET_PYTHON_BIN", "schemathesis") else {
        return;
    };
    // A position that is never reached is waited for: that is tested elsewhere, and would take the time of all the rest.
    let mut document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for operation in document["paths"].as_object_mut().unwrap().values_mut() {
        for method in operation.as_object_mut().unwrap().values_mut() {
            if let Some(parameters) = method.get_mut("parameters").and_then(Value::as_array_mut) {
                parameters.retain(|parameter| parameter["name"] != "Licet-Min-Position");
            }
        }
    }
    // The live stream has no end that the generator could wait for.
    for stream in ["/api/admin/live", "/api/admin/audit/verification"] {
        document["paths"].as_object_mut().unwrap().remove(stream);
    }
    std::fs::write(&file, document.to_string()).unwrap();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance";
    for key in [Some(API_KEY), None] {
        let mut command = Command::new(&generator);
        command
            .arg("run")
            .arg(&file)
            .args([
                "--url",
                &server.url,
                "--seed",
                "7",
                "--max-examples",
                "6",
                "--workers",
                "1",
            ])
            .args(["--phases", "examples,fuzzing", "--checks", checks, "--no-color"])
            .current_dir(folder.path());
        if let Some(key) = key {
            command.args(["--header", &format!("X-API-Key: {key}")]);
        }
        run(&mut command);
    }
}
