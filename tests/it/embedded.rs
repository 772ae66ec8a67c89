//! A server with a Postgres of its own.

use std::{
    fs,
    path::Path,
    process::{Command, id},
};

use licet_test_support::{Server, eventually, licet};
use serde_json::json;

fn signal(name: &str, pid: u32) -> bool {
    Command::new("kill")
        .args([name, &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn postmaster(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

#[test]
fn the_private_postgres_stands_up_anywhere_comes_back_when_it_dies_and_ends_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a $HOME, 'one' and \"two\"");
    let pid_file = data.join("postgres/postmaster.pid");
    let server = Server::start_embedded(&data);
    let product = |code: &str| {
        let order = json!({ "code": code, "name": code });
        server.send("POST", "/api/admin/products", &order).status
    };
    assert_eq!(product("before"), 201);
    let secrets = |name: &str| fs::read(data.join(name)).unwrap();
    let secret = secrets("secret_key");

    let died = postmaster(&pid_file).unwrap();
    assert!(signal("-KILL", died));
    assert!(eventually(|| postmaster(&pid_file).is_some_and(|pid| pid != died)));
    assert!(eventually(|| server.get("/readyz").status == 200));
    assert_eq!(product("after"), 201);

    let last = postmaster(&pid_file).unwrap();
    assert!(signal("-HUP", server.pid()));
    assert!(eventually(|| !signal("-0", last)), "Postgres ends with its server");
    drop(server);

    // What a crash leaves: the number may be another process's by now.
    fs::write(
        &pid_file,
        format!("{}\n{}\n1\n", id(), pid_file.parent().unwrap().display()),
    )
    .unwrap();
    let server = Server::start_embedded(&data);
    // Read models follow the log.
    assert!(eventually(|| {
        let kept = server.get("/api/admin/products").body.to_string();
        ["before", "after"]
            .iter()
            .all(|code| kept.contains(&format!(r#""code":"{code}""#)))
    }));
    assert_eq!(secrets("secret_key"), secret);
    assert!(server.terminate());
    assert!(!pid_file.exists());
}

#[test]
fn the_private_postgres_knows_every_scripts_letters_also_where_an_older_one_did_not() {
    let folder = tempfile::tempdir().unwrap();
    let psql = |statement: &str| {
        let output = licet("")
            .env_remove("DATABASE_URL")
            .args(["db", "--embedded", "--data-dir"])
            .arg(folder.path())
            .args(["-c", statement])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        // Below the head line and its rule.
        said.lines().nth(2).unwrap_or_default().trim().to_owned()
    };
    let folded = || {
        psql("SELECT lower('ÄÉ СЛОВО ΛΌΓΟΣ') || (to_tsvector('simple', 'Größe') @@ to_tsquery('simple', 'GRÖẞE:*'))")
    };
    let sorted = || psql("SELECT string_agg(word, '' ORDER BY word) FROM unnest('{ä,z,Z,a}'::text[]) AS word");
    let server = Server::start_embedded(folder.path());
    server.create("/api/admin/products", &json!({ "code": "studio", "name": "Größe" }));
    let (made, order) = (folded(), sorted());
    assert!(made.starts_with("äé слово λόγο"), "{made}");
    // What a cluster of before looked like.
    psql("UPDATE pg_database SET datctype = 'C' WHERE datname = current_database()");
    assert!(server.terminate());
    let server = Server::start_embedded(folder.path());
    assert_eq!((folded(), sorted()), (made, order));
    assert_eq!(order_of(&server), ["Größe"]);
}

fn order_of(server: &Server) -> Vec<String> {
    let page = server.get("/api/admin/products").body;
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .filter(|name| name != "Demo")
        .collect()
}
