//! Hosts as network namespaces on a bridge of their own. Needs root.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{HOSTS, node};

/// A range that is reserved for tests of networks (RFC 2544).
const NETWORK: &str = "198.18.77";
const BRIDGE: &str = "licet-ha";

/// Makes the hosts, without anything in them.
pub(super) fn build() {
    sweep();
    ip(&["link", "add", BRIDGE, "type", "bridge"]);
    ip(&["addr", "add", &format!("{NETWORK}.254/24"), "dev", BRIDGE]);
    ip(&["link", "set", BRIDGE, "up"]);
    for host in 0..HOSTS {
        let (name, outside) = (namespace(host), outside(host));
        ip(&["netns", "add", &name]);
        ip(&[
            "link", "add", &outside, "type", "veth", "peer", "name", "eth0", "netns", &name,
        ]);
        ip(&["link", "set", &outside, "master", BRIDGE, "up"]);
        let own = format!("{}/24", address(host));
        ip(&["-n", &name, "addr", "add", &own, "dev", "eth0"]);
        ip(&["-n", &name, "link", "set", "eth0", "up"]);
        ip(&["-n", &name, "link", "set", "lo", "up"]);
    }
}

/// Pulls a host's cable, or plugs it in again.
pub(super) fn plug(host: usize, state: &str) {
    ip(&["link", "set", &outside(host), state]);
}

/// Ends what a drill has left that was killed.
pub(super) fn sweep() {
    for host in 0..HOSTS {
        let name = namespace(host);
        // Patroni starts what is killed under it.
        for _ in 0..20 {
            let left = pids(&name);
            if left.is_empty() {
                break;
            }
            signal(&left, "-KILL");
            thread::sleep(Duration::from_millis(100));
        }
        let _ = Command::new("ip")
            .args(["netns", "del", &name])
            .stderr(Stdio::null())
            .status();
        let _ = Command::new("ip")
            .args(["link", "del", &outside(host)])
            .stderr(Stdio::null())
            .status();
    }
    let _ = Command::new("ip")
        .args(["link", "del", BRIDGE])
        .stderr(Stdio::null())
        .status();
}

/// Sends a signal to a host's processes of these names.
pub(super) fn signal_named(host: usize, names: &[&str], kind: &str) {
    let named = |pid: &String| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        names.iter().any(|wanted| name.trim() == *wanted)
    };
    let found: Vec<String> = pids(&namespace(host)).into_iter().filter(named).collect();
    signal(&found, kind);
}

fn pids(namespace: &str) -> Vec<String> {
    let output = Command::new("ip")
        .args(["netns", "pids", namespace])
        .stderr(Stdio::null())
        .output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn signal(pids: &[String], signal: &str) {
    if !pids.is_empty() {
        let _ = Command::new("kill")
            .arg(signal)
            .args(pids)
            .stderr(Stdio::null())
            .status();
    }
}

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).status();
    assert!(done.is_ok_and(|done| done.success()), "ip {}", arguments.join(" "));
}

pub(super) fn namespace(host: usize) -> String {
    format!("licet-{}", node(host))
}

/// A host's end of the cable at the bridge.
fn outside(host: usize) -> String {
    format!("licet-{}-out", node(host))
}

pub(super) fn address(host: usize) -> String {
    format!("{NETWORK}.{}", host + 1)
}
