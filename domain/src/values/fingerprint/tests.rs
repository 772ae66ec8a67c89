use super::*;
use proptest::prelude::*;

fn raw(macs: &[&str], cpu: &str, uuid: &str) -> RawFingerprint {
    RawFingerprint {
        mac_addresses: macs.iter().map(ToString::to_string).collect(),
        cpu_id: Some(cpu.to_owned()),
        system_uuid: Some(uuid.to_owned()),
        ..RawFingerprint::default()
    }
}

#[test]
fn notation_does_not_matter() {
    let one = raw(&["AA:BB:CC:00:11:22"], " GenuineIntel-1 ", "{4C4C4544-0042}")
        .normalize()
        .unwrap();
    let other = raw(&["aabb.cc00.1122"], "genuineintel1", "4c4c45440042")
        .normalize()
        .unwrap();
    assert_eq!(one, other);
}

#[test]
fn placeholders_count_as_absent() {
    for value in [
        "00:00:00:00:00:00",
        "FF:FF",
        "To Be Filled By O.E.M.",
        "03000200-0400-0500-0006-000700080009",
        "None",
        "Default string",
        "Not Settable",
        "Not Specified",
        "Not Present",
        "uninitialized",
        "null",
        "(null)",
        "undefined",
        "error",
        "Permission denied",
        "cat: /sys/class/dmi/id/product_uuid: Permission denied",
        "",
        "  ",
    ] {
        let fingerprint = raw(&[value], "a model", value).normalize().unwrap();
        let identity = fingerprint.hash(&[1; 32]);
        let names: Vec<_> = fingerprint
            .dropped()
            .into_iter()
            .map(|dropped| dropped.component)
            .collect();
        assert_eq!(names, ["mac_addresses", "system_uuid"], "{value:?}");
        assert_eq!(identity.components.uuid, None, "{value:?}");
        assert!(!fingerprint.is_absent(), "something was sent: {value:?}");
    }
    assert!(RawFingerprint::default().normalize().unwrap().is_absent());
}

#[test]
fn what_many_machines_have_at_once_counts_as_absent() {
    for uuid in [
        "00020003-0004-0005-0006-000700080009",
        "fefefefe-fefe-fefe-fefe-fefefefefefe",
        "{FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE}",
    ] {
        assert_eq!(known(&raw(&[], "a", uuid)).components.uuid, None, "{uuid}");
    }
    for (mac, reason) in [
        ("02:42:ac:11:00:02", DropReason::LocallyAdministered),
        ("0A-00-27-00-00-00", DropReason::LocallyAdministered),
        ("0050.56c0.0008", DropReason::Shared),
        ("ac:de:48:00:11:22", DropReason::Shared),
        ("00:05:9a:3c:7a:00", DropReason::Shared),
    ] {
        let fingerprint = raw(&[mac], "a", "b1").normalize().unwrap();
        let dropped = Dropped {
            component: "mac_addresses".to_owned(),
            reason,
        };
        assert_eq!(fingerprint.dropped(), [dropped], "{mac}");
    }
    let docked = raw(&["ac:de:48:00:11:22", "3c:52:82:00:00:01"], "a", "b1");
    assert_eq!(known(&docked).components.mac.len(), 1, "a card of its own is left");
    assert_eq!(docked.normalize().unwrap().dropped(), []);
}

fn known(raw: &RawFingerprint) -> MachineIdentity {
    raw.normalize().unwrap().hash(&[1; 32])
}

fn rule<'a>(extra: &'a [String], veto: &'a [String]) -> MatchRule<'a> {
    MatchRule {
        required: 2,
        extra,
        veto,
    }
}

#[test]
fn one_shared_network_card_is_agreement() {
    let one = raw(&["3c:52:82:00:00:01", "3c:52:82:00:00:02"], "a", "b1");
    let other = raw(&["3c:52:82:00:00:02", "3c:52:82:00:00:03"], "a", "b2");
    let veto = ["system_uuid".to_owned()];
    let agreement = |veto| known(&other).agreement(&known(&one).components, rule(&[], veto));
    assert_eq!(agreement(&[]), Some(2));
    assert_eq!(agreement(&veto), None, "another system");
    let silent = RawFingerprint {
        system_uuid: None,
        ..other.clone()
    };
    let agreement = known(&silent).agreement(&known(&one).components, rule(&[], &veto));
    assert_eq!(agreement, Some(2), "a program that may not read the UUID");
}

#[test]
fn a_processor_is_no_machine() {
    let one = raw(&[], "a", "b1");
    let mut dongle = raw(&[], "a", "b2");
    dongle.extra.insert("dongle".to_owned(), "7".to_owned());
    let extra = ["dongle".to_owned()];
    assert_eq!(
        known(&dongle).agreement(&known(&one).components, rule(&extra, &[])),
        None
    );
    let weak = MatchRule {
        required: 1,
        ..rule(&extra, &[])
    };
    assert_eq!(known(&dongle).agreement(&known(&one).components, weak), None);
    assert!(!weak.is_met_by(&known(&raw(&[], "a", "none")).components));
    assert!(weak.is_met_by(&known(&one).components));
}

#[test]
fn a_uuid_is_one_in_both_byte_orders() {
    let one = raw(&[], "a", "4c4c4544-0042-3510-8052-b4c04f564433");
    let swapped = raw(&[], "a", "44454c4c-4200-1035-8052-b4c04f564433");
    let veto = ["system_uuid".to_owned()];
    let agreement = |asks: &RawFingerprint, known_as: &RawFingerprint| {
        known(asks).agreement(&known(known_as).components, rule(&[], &veto))
    };
    assert_eq!(agreement(&swapped, &one), Some(2));
    assert_eq!(agreement(&one, &swapped), Some(2));
}

#[test]
fn what_was_recorded_under_the_first_rules_matches_as_it_did() {
    // As the first rules wrote it: a container's address, a placeholder that was none then, no rules named.
    let container = raw(&["02:42:ac:11:00:02"], "a", "Not Settable");
    let identity = known(&container);
    let text = serde_json::to_string(&Components {
        rules: 1,
        ..identity.earlier.clone()
    })
    .unwrap();
    assert!(!text.contains("rules"), "{text}");
    let recorded: Components = serde_json::from_str(&text).unwrap();
    assert_eq!(recorded.count(&[]), 3);
    let veto = ["system_uuid".to_owned()];
    assert_eq!(identity.agreement(&recorded, rule(&[], &veto)), Some(3));
    assert_eq!(identity.components.count(&[]), 1, "it would not be recorded so again");
    let other = known(&raw(&["02:42:ac:11:00:02"], "a", "b9"));
    assert_eq!(other.agreement(&recorded, rule(&[], &veto)), Some(2), "without a veto");
}

#[test]
fn extra_counts_only_where_it_is_named() {
    let mut sent = raw(&[], "a", "b");
    sent.extra.insert("Dongle".to_owned(), "123".to_owned());
    let (identity, named) = (known(&sent), ["dongle".to_owned()]);
    assert_eq!(identity.components.count(&[]), 2);
    assert_eq!(identity.components.count(&named), 3);
    assert_eq!(identity.agreement(&identity.components, rule(&named, &[])), Some(3));
}

#[test]
fn absurd_sizes_are_refused() {
    assert!(raw(&["3c:52:82:00:00:01"; 65], "a", "b").normalize().is_err());
    assert!(raw(&[], &"a".repeat(257), "b").normalize().is_err());
}

proptest! {
    #[test]
    fn whatever_is_sent_normalizes_or_is_refused(macs in prop::collection::vec(".{0,40}", 0..8), cpu in ".{0,40}", uuid in ".{0,300}") {
        let sent = RawFingerprint { mac_addresses: macs, cpu_id: Some(cpu), system_uuid: Some(uuid), ..RawFingerprint::default() };
        if let Ok(fingerprint) = sent.normalize() {
            let identity = fingerprint.hash(&[7; 32]);
            let components = &identity.components;
            prop_assert!(components.count(&[]) <= 4);
            let agreement = identity.agreement(components, rule(&[], &[]));
            let enough = rule(&[], &[]).is_met_by(components);
            prop_assert_eq!(agreement, enough.then_some(components.count(&[])));
            let text = serde_json::to_string(components).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Components>(&text).unwrap(), components);
        }
    }
}
