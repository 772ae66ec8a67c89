//! A real nginx, as `infra/nginx/` sets it up, with nothing behind it: where it listens, whom it counts as one, and its own
//! certificate.

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

use licet_test_support::{make_certificate, reachable_folder};

use crate::tools::run;

const START: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/nginx/start.sh");
const ALONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/nginx.py");

#[test]
fn a_network_of_ipv6_is_counted_as_one_who_logs_in() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("SKIPPED: a network of one's own takes root");
        return;
    }
    let folder = reachable_folder();
    let said = run(Command::new("unshare")
        .args(["--net", "python3", ALONE, START])
        .arg(folder.path())
        .env("NGINX", "/usr/sbin/nginx"));
    let lines: Vec<Vec<u16>> = said
        .lines()
        .map(|line| line.split(' ').map(|status| status.parse().unwrap()).collect())
        .collect();
    // Eleven are let through, to nodes that are not there.
    let refused = lines[0].iter().filter(|status| **status == 429).count();
    assert!(
        (2..=3).contains(&refused) && lines[0][..11].iter().all(|status| *status == 503),
        "{said}"
    );
    assert_eq!(lines[1], [503], "another network is let through: {said}");
    assert_eq!(lines[2], [308, 308], "{said}");
}

#[test]
fn a_certificate_of_its_own_making_does_not_end_and_another_is_left_alone() {
    let folder = reachable_folder();
    let begin = || {
        // Everything but nginx itself.
        run(Command::new("sh")
            .arg(START)
            .env("NGINX", "true")
            .env("NGINX_FOLDER", folder.path())
            .env("LICET_NODES", "127.0.0.1:1"));
        fs::read_to_string(folder.path().join("tls/tls.crt")).unwrap()
    };
    let first = begin();
    assert_eq!(begin(), first, "it has a year to go");
    let tls = folder.path().join("tls");
    make_certificate(&tls, 1);
    let ends_soon = fs::read_to_string(tls.join("tls.crt")).unwrap();
    assert_eq!(begin(), ends_soon, "it is somebody else's");
    let fingerprint = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(tls.join("tls.crt"))
        .output()
        .unwrap();
    fs::write(tls.join("self-made"), fingerprint.stdout).unwrap();
    let renewed = begin();
    assert!(renewed != ends_soon && renewed != first, "its own is made again");
    assert_eq!(begin(), renewed);
}
