//! Every event version that was ever written must still load: one file each, kept for ever.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf};

use licet_domain::{
    Decider, EventData, decision::DecisionEvent, heartbeat::HeartbeatEvent, license::LicenseEvent,
    operation::OperationEvent,
};
use proptest::prelude::*;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Loads the golden file of each type and writes the event again: nothing may be lost on the way.
fn check<E: EventData>() -> Vec<String> {
    E::TYPES
        .iter()
        .map(|(event_type, version)| {
            let name = format!("{event_type}.v{version}.json");
            let text = fs::read_to_string(folder().join(&name)).unwrap_or_else(|_| panic!("{name} is missing"));
            let event = E::decode(event_type, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((event.event_type(), event.event_version()), (*event_type, *version));
            let written: Value = serde_json::from_str(&event.encode()).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{name}");
            name
        })
        .collect()
}

#[test]
fn every_event_ever_written_still_loads() {
    let mut current = check::<LicenseEvent>();
    current.extend(check::<HeartbeatEvent>());
    current.extend(check::<DecisionEvent>());
    current.extend(check::<OperationEvent>());
    macro_rules! of_resources {
        ($(($field:ident, $name:ident = $kind:ty)),+ $(,)?) => {
            $(current.extend(check::<<$kind as Decider>::Event>());)+
        };
    }
    licet_domain::for_every_resource!(of_resources);
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            current.contains(&name),
            "{name} is no current version: it needs an upcaster and a test of it here"
        );
    }
}

proptest! {
    /// Whatever a row holds, reading it is an answer or an error, never a panic.
    #[test]
    fn decoding_never_panics(index in 0usize..LicenseEvent::TYPES.len(), payload in "\\PC{0,200}", cut in 0usize..400) {
        let (event_type, version) = LicenseEvent::TYPES[index];
        let _ = LicenseEvent::decode(event_type, &payload);
        let text = fs::read_to_string(folder().join(format!("{event_type}.v{version}.json"))).unwrap();
        let cut: String = text.chars().take(cut).collect();
        if cut.trim_end() != text.trim_end() {
            prop_assert!(LicenseEvent::decode(event_type, &cut).is_err());
        }
        let _ = LicenseEvent::decode(event_type, &format!("{cut}{payload}"));
    }
}
