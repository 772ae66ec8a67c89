//! Machines as their file systems show them, and which of them are one.

use licet_domain::values::{Components, MachineIdentity, MatchRule};

use super::*;

/// A network card as Linux shows it: name, address, whether it is hardware, and where its address is from.
type Card = (&'static str, &'static str, bool, u8);

struct Machine<'a> {
    cards: &'a [Card],
    uuid: Option<&'a str>,
    machine_id: Option<&'a str>,
}

const LOOPBACK: Card = ("lo", "00:00:00:00:00:00", false, 0);
const ETHERNET: Card = ("enp0s31f6", "8c:16:45:9a:01:02", true, 0);
const WIRELESS: Card = ("wlp2s0", "98:fa:9b:33:44:01", true, 0);
const DOCK: Card = ("enx00e04c680099", "a0:ce:c8:11:22:33", true, 0);
const DOCKER_BRIDGE: Card = ("docker0", "02:42:5e:11:90:aa", false, 3);
const VIRTUAL_CABLE: Card = ("veth1f2a", "6a:11:9c:00:12:34", false, 1);
const VPN_TAP: Card = ("tap0", "00:ff:5d:91:22:10", false, 3);
const HOST_ONLY: Card = ("vmnet8", "00:50:56:c0:00:08", false, 0);
const LAPTOP_UUID: &str = "4C4C4544-0042-3510-8052-B4C04F564433";
const LAPTOP_ID: &str = "0a3f1c9e5b7d4e6f8a9b0c1d2e3f4a5b";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(machine: &Machine<'_>) -> Fingerprint {
    let root = tempfile::tempdir().unwrap();
    for (name, address, is_hardware, origin) in machine.cards.iter().chain([&LOOPBACK]) {
        let folder = format!("sys/class/net/{name}");
        let kind = if *name == "lo" { "772\n" } else { "1\n" };
        write(root.path(), &format!("{folder}/address"), &format!("{address}\n"));
        write(root.path(), &format!("{folder}/type"), kind);
        write(
            root.path(),
            &format!("{folder}/addr_assign_type"),
            &format!("{origin}\n"),
        );
        if *is_hardware {
            write(root.path(), &format!("{folder}/device/vendor"), "0x8086\n");
        }
    }
    write(
        root.path(),
        "proc/cpuinfo",
        "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nstepping\t: 7\n",
    );
    if let Some(uuid) = machine.uuid {
        write(root.path(), "sys/class/dmi/id/product_uuid", &format!("{uuid}\n"));
    }
    if let Some(id) = machine.machine_id {
        write(root.path(), "etc/machine-id", &format!("{id}\n"));
    }
    Fingerprint::read(root.path())
}

fn identity(found: &Fingerprint) -> MachineIdentity {
    found.normalized().unwrap().hash(&[7; 32])
}

/// Whether the second machine would be taken for the first by a policy that says nothing of fingerprints.
fn is_taken_for(recorded: &Machine<'_>, asks: &Machine<'_>) -> bool {
    let veto = ["system_uuid".to_owned()];
    let rule = MatchRule {
        required: 2,
        extra: &[],
        veto: &veto,
    };
    let recorded: Components = identity(&read(recorded)).components;
    identity(&read(asks)).agreement(&recorded, rule).is_some()
}

fn laptop(cards: &[Card]) -> Machine<'_> {
    Machine {
        cards,
        uuid: Some(LAPTOP_UUID),
        machine_id: Some(LAPTOP_ID),
    }
}

#[test]
fn reads_a_machine() {
    let found = read(&laptop(&[ETHERNET, VIRTUAL_CABLE]));
    assert_eq!(found.mac_addresses, ["8c:16:45:9a:01:02"]);
    assert_eq!(found.cpu_id.as_deref(), Some("GenuineIntel-6-85-7"));
    assert_eq!(found.system_uuid.as_deref(), Some(LAPTOP_UUID));
    assert_eq!(found.machine_id.as_deref(), Some(LAPTOP_ID));
    assert_eq!(found.missing, [""; 0]);
}

#[test]
fn says_what_a_container_hides() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(Fingerprint::read(root.path()).missing.len(), 4);
}

#[test]
fn a_laptop_stays_itself_whatever_is_plugged_in() {
    let at_home = laptop(&[ETHERNET, WIRELESS]);
    let renamed = [("eth0", ETHERNET.1, true, 0), ("wlan0", WIRELESS.1, true, 0)];
    for cards in [
        &[ETHERNET, WIRELESS, DOCK][..],
        &[WIRELESS, DOCK],
        &[WIRELESS, DOCKER_BRIDGE, VIRTUAL_CABLE, VPN_TAP, HOST_ONLY],
        &renamed,
        &[],
    ] {
        assert!(is_taken_for(&at_home, &laptop(cards)), "{cards:?}");
        assert!(is_taken_for(&laptop(cards), &at_home), "{cards:?}");
    }
}

#[test]
fn an_unprivileged_program_is_on_the_same_machine() {
    let root = laptop(&[ETHERNET]);
    let user = Machine {
        uuid: None,
        ..laptop(&[ETHERNET])
    };
    assert!(is_taken_for(&root, &user) && is_taken_for(&user, &root));
}

#[test]
fn two_machines_of_one_model_are_two() {
    let other = Machine {
        cards: &[
            ("enp0s31f6", "8c:16:45:9a:77:66", true, 0),
            DOCKER_BRIDGE,
            VPN_TAP,
            HOST_ONLY,
        ],
        uuid: Some("4C4C4544-0031-4810-8052-C3C04F4D3533"),
        machine_id: Some("ffee1c9e5b7d4e6f8a9b0c1d2e3f4a5b"),
    };
    let first = laptop(&[ETHERNET, DOCKER_BRIDGE, VPN_TAP, HOST_ONLY]);
    assert!(!is_taken_for(&first, &other));
    // A dock that both use one after the other, and a UUID that nobody filled in.
    let docked = |uuid, id| Machine {
        cards: &[DOCK],
        uuid,
        machine_id: Some(id),
    };
    let (one, two) = (LAPTOP_UUID, "4C4C4544-0031-4810-8052-C3C04F4D3533");
    assert!(!is_taken_for(
        &docked(Some(one), "a1b2c3d4"),
        &docked(Some(two), "e5f6a7b8")
    ));
    let unfilled = Some("Not Settable");
    let cable = |uuid, id| Machine {
        cards: &[HOST_ONLY, DOCKER_BRIDGE],
        uuid,
        machine_id: Some(id),
    };
    assert!(!is_taken_for(
        &cable(unfilled, "a1b2c3d4"),
        &cable(unfilled, "e5f6a7b8")
    ));
}

#[test]
fn containers_of_one_network_are_refused_rather_than_one() {
    // The first container of Docker's default bridge has this address on every host.
    let container = Machine {
        cards: &[("eth0", "02:42:ac:11:00:02", false, 3)],
        uuid: None,
        machine_id: None,
    };
    let refused = read(&container).expect_usable().unwrap_err().to_string();
    assert!(refused.contains("mac_addresses (made up by software)"), "{refused}");
    assert!(!is_taken_for(&container, &container));
}

#[test]
fn a_virtual_machine_without_firmware_ids_has_its_installation() {
    let guest = |id| Machine {
        cards: &[("ens3", "52:54:00:12:34:56", true, 0)],
        uuid: None,
        machine_id: Some(id),
    };
    let one = guest("a1b2c3d4e5f6a7b8a1b2c3d4e5f6a7b8");
    assert!(read(&one).expect_usable().is_ok());
    assert!(is_taken_for(&one, &one));
    assert!(!is_taken_for(&one, &guest("00b2c3d4e5f6a7b8a1b2c3d4e5f6a7b8")));
    assert!(
        read(&guest("uninitialized")).expect_usable().is_err(),
        "an image that was never started"
    );
}

#[test]
fn clones_with_one_firmware_are_told_apart_where_the_policy_says_so() {
    let clone = |address, id| Machine {
        cards: Box::leak(Box::new([("ens192", address, true, 0)])),
        uuid: Some(LAPTOP_UUID),
        machine_id: Some(id),
    };
    let one = identity(&read(&clone("00:0c:29:11:11:11", "a1b2c3d4")));
    let two = identity(&read(&clone("00:0c:29:22:22:22", "e5f6a7b8")));
    let agreement = |veto: &[String]| {
        two.agreement(
            &one.components,
            MatchRule {
                required: 2,
                extra: &[],
                veto,
            },
        )
    };
    assert_eq!(
        agreement(&["system_uuid".to_owned()]),
        Some(2),
        "firmware and processor"
    );
    assert_eq!(agreement(&["machine_id".to_owned()]), None);
}
