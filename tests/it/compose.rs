//! What `docker-compose.yaml` says of settings, against what the program knows; that it runs, `./dev test containers` tries.

use std::{collections::BTreeSet, process::Command};

use licet_test_support::{built, licet};

use crate::{new_database, start};

/// The settings in the help of `licet serve`.
fn known() -> BTreeSet<String> {
    let help = Command::new(built("licet")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let names = help.split("[env: ").skip(1);
    names
        .map(|rest| rest.split(['=', ']']).next().unwrap().to_owned())
        .collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_setting_of_the_program_can_be_set_where_it_runs_in_containers() {
    let (compose, example, known) = (read("docker-compose.yaml"), read(".env.example"), known());
    assert!(known.len() > 20, "{known:?}");
    let of_compose =
        |name: &str| compose.contains(&format!("\n    {name}: ")) || compose.contains(&format!("\n    {name}_FILE: "));
    let missing: Vec<&String> = known.iter().filter(|name| !of_compose(name)).collect();
    assert_eq!(missing, [] as [&String; 0], "in docker-compose.yaml");
    // Whatever is filled in there, the example tells of.
    let filled: BTreeSet<&str> = compose
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split(":-").next())
        .collect();
    let untold: Vec<&str> = filled
        .into_iter()
        .filter(|name| *name != "LICET_VERSION" && !example.contains(&format!("\n{name}=")))
        .collect();
    assert_eq!(untold, [] as [&str; 0], "in .env.example");
}

#[test]
fn settings_and_secrets_come_from_files() {
    let database = new_database();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, held: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, held).unwrap();
        path
    };
    let run = |settings: &[(&str, &std::path::Path)], without: &[&str], arguments: &[&str]| {
        let mut command = licet(&database.url);
        without.iter().for_each(|name| _ = command.env_remove(name));
        let output = command.envs(settings.iter().copied()).args(arguments).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let url = file("url", &format!("{}\n", database.url));
    let without = ["DATABASE_URL"];
    assert_eq!(
        run(&[("DATABASE_URL_FILE", &url)], &without, &["migrate"]),
        (true, String::new())
    );
    let (_, said) = run(&[("DATABASE_URL_FILE", &url)], &[], &["migrate"]);
    assert!(
        said.contains("DATABASE_URL and DATABASE_URL_FILE are both set"),
        "{said}"
    );
    let (_, said) = run(
        &[("DATABASE_URL_FILE", &folder.path().join("nowhere"))],
        &without,
        &["migrate"],
    );
    assert!(said.contains("which DATABASE_URL_FILE names"), "{said}");
    let (_, said) = run(&[("DATABASE_URL_FILE", &file("empty", " \n"))], &without, &["migrate"]);
    assert!(said.contains("is empty"), "{said}");
    let sample = file("sample", "changeme-changeme-changeme-changeme");
    let (ends, said) = run(
        &[("SECRET_KEY_FILE", &sample)],
        &["SECRET_KEY"],
        &["serve", "--listen", "127.0.0.1:0"],
    );
    assert!(!ends && said.contains("SECRET_KEY is a sample value"), "{said}");
}

#[test]
fn a_container_asks_whether_its_server_is_well() {
    let (server, _database) = start();
    let address = server.url.trim_start_matches("http://").to_owned();
    let ask = |more: &[&str]| {
        Command::new(built("licet"))
            .args(["healthcheck", "--address", &address])
            .args(more)
            .output()
            .unwrap()
    };
    let well = ask(&[]);
    assert!(well.status.success(), "{}", String::from_utf8_lossy(&well.stderr));
    assert!(ask(&["--live"]).status.success());
    server.kill();
    let gone = ask(&[]);
    assert!(!gone.status.success() && String::from_utf8_lossy(&gone.stderr).contains(&address));
}
