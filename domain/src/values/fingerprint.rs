//! What a machine is known by.
//!
//! Source of the rules: the contract, "License clients". Components are normalized, placeholders count as absent, and
//! what is kept are hashes under a key of the license, which the lease hands to the machine so that it can compare
//! itself offline. Two licenses share no hash.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::ValueError;

const MAX_MACS: usize = 64;
const MAX_EXTRAS: usize = 32;
const MAX_VALUE_BYTES: usize = 256;

/// Values that boards and hypervisors report where nobody filled in the real one, as they read once normalized.
const PLACEHOLDERS: [&str; 5] = [
    "",
    "tobefilledbyoem",
    "03000200040005000006000700080009",
    "none",
    "defaultstring",
];

/// Components as a client sent them.
#[derive(Debug, Clone, Default)]
pub struct RawFingerprint {
    /// Hardware addresses of the network cards, in any usual notation.
    pub mac_addresses: Vec<String>,
    /// The processor's id.
    pub cpu_id: Option<String>,
    /// The system's UUID from the firmware.
    pub system_uuid: Option<String>,
    /// Further components by name; they count only where the policy names them.
    pub extra: BTreeMap<String, String>,
}

/// Components that have been normalized, with placeholders gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    macs: Vec<String>,
    cpu: Option<String>,
    uuid: Option<String>,
    extra: BTreeMap<String, String>,
    placeholders: usize,
}

impl RawFingerprint {
    /// Normalizes every component and drops placeholders; refuses absurd sizes.
    pub fn normalize(&self) -> Result<Fingerprint, ValueError> {
        let too_long = |value: &String| value.len() > MAX_VALUE_BYTES;
        let names_and_values = self.extra.iter().flat_map(|(name, value)| [name, value]);
        let mut values = self
            .mac_addresses
            .iter()
            .chain(&self.cpu_id)
            .chain(&self.system_uuid)
            .chain(names_and_values);
        if self.mac_addresses.len() > MAX_MACS || self.extra.len() > MAX_EXTRAS || values.any(too_long) {
            return Err(ValueError::new(
                "FINGERPRINT_TOO_LARGE",
                "a fingerprint has at most 64 MAC addresses, 32 extra components and 256 bytes a value",
            ));
        }
        let mut macs: Vec<String> = self.mac_addresses.iter().filter_map(|mac| normalized(mac)).collect();
        macs.sort_unstable();
        macs.dedup();
        let cpu = self.cpu_id.as_deref().and_then(normalized);
        let uuid = self.system_uuid.as_deref().and_then(normalized);
        let extra: BTreeMap<String, String> = self
            .extra
            .iter()
            .filter_map(|(name, value)| Some((name.trim().to_lowercase(), normalized(value)?)))
            .collect();
        let placeholders = usize::from(macs.is_empty() && !self.mac_addresses.is_empty())
            + usize::from(cpu.is_none() && self.cpu_id.is_some())
            + usize::from(uuid.is_none() && self.system_uuid.is_some())
            + (self.extra.len() - extra.len());
        Ok(Fingerprint {
            macs,
            cpu,
            uuid,
            extra,
            placeholders,
        })
    }
}

impl Fingerprint {
    /// Whether nothing at all was sent.
    pub fn is_absent(&self) -> bool {
        self.placeholders == 0 && *self == Self::default()
    }

    /// How many components were sent and dropped as placeholders.
    pub fn placeholders(&self) -> usize {
        self.placeholders
    }

    /// The components as hashes under a license's key.
    pub fn hash(&self, key: &[u8; 32]) -> Components {
        let hash = |kind: &str, value: &String| ComponentHash::of(key, kind, value);
        Components {
            mac: self.macs.iter().map(|mac| hash("mac", mac)).collect(),
            cpu: self.cpu.as_ref().map(|cpu| hash("cpu", cpu)),
            uuid: self.uuid.as_ref().map(|uuid| hash("uuid", uuid)),
            extra: self
                .extra
                .iter()
                .map(|(name, value)| (name.clone(), hash(name, value)))
                .collect(),
        }
    }
}

fn normalized(value: &str) -> Option<String> {
    let separator = |c: &char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '-' | '.' | '_' | '{' | '}');
    let text: String = value.trim().to_lowercase().chars().filter(|c| !separator(c)).collect();
    let only = |digit: char| text.chars().all(|c| c == digit);
    (!PLACEHOLDERS.contains(&text.as_str()) && !only('0') && !only('f')).then_some(text)
}

/// The first 16 bytes of HMAC-SHA-256(license's key, kind ‖ 0 ‖ value), written as 22 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentHash([u8; 16]);

impl ComponentHash {
    fn of(key: &[u8; 32], kind: &str, value: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }
}

impl Serialize for ComponentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 22];
        URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for ComponentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| D::Error::custom("a component hash has 16 bytes"))
    }
}

/// A machine's components as the server keeps them: hashes, never values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// One hash per network card, sorted by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mac: Vec<ComponentHash>,
    /// The processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<ComponentHash>,
    /// The system UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<ComponentHash>,
    /// Further components by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, ComponentHash>,
}

impl Components {
    /// The components that count, one group each; the network cards are one component however many there are.
    pub fn groups<'a>(&'a self, extras: &'a [String]) -> impl Iterator<Item = &'a [ComponentHash]> {
        let named = extras.iter().filter_map(|name| self.extra.get(name));
        let single = self.cpu.iter().chain(&self.uuid).chain(named).map(std::slice::from_ref);
        std::iter::once(&self.mac[..])
            .filter(|macs| !macs.is_empty())
            .chain(single)
    }

    /// A short digest of all of them, by which people tell machines apart; `None` where there are none.
    pub fn digest(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let mut digest = Sha256::new();
        let extras = self.extra.values();
        for hash in self.mac.iter().chain(&self.cpu).chain(&self.uuid).chain(extras) {
            digest.update(hash.0);
        }
        Some(URL_SAFE_NO_PAD.encode(&digest.finalize()[..8]))
    }

    /// How many components there are that count.
    pub fn count(&self, extras: &[String]) -> usize {
        self.groups(extras).count()
    }

    /// Whether two machines share what is one machine's own: a network card or the system's UUID. A processor's kind is
    /// shared by a whole series.
    pub fn resembles(&self, other: &Self) -> bool {
        self.mac.iter().any(|mac| other.mac.contains(mac)) || self.uuid.is_some() && self.uuid == other.uuid
    }

    /// On how many components two machines agree; network cards agree when the sets share one.
    pub fn agreement(&self, other: &Self, extras: &[String]) -> usize {
        let same = |a: &Option<ComponentHash>, b: &Option<ComponentHash>| usize::from(a.is_some() && a == b);
        usize::from(self.mac.iter().any(|mac| other.mac.contains(mac)))
            + same(&self.cpu, &other.cpu)
            + same(&self.uuid, &other.uuid)
            + extras
                .iter()
                .filter(|name| {
                    self.extra
                        .get(*name)
                        .is_some_and(|own| other.extra.get(*name) == Some(own))
                })
                .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(macs: &[&str], cpu: &str, uuid: &str) -> RawFingerprint {
        RawFingerprint {
            mac_addresses: macs.iter().map(ToString::to_string).collect(),
            cpu_id: Some(cpu.to_owned()),
            system_uuid: Some(uuid.to_owned()),
            extra: BTreeMap::new(),
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
            "",
            "  ",
        ] {
            let fingerprint = raw(&[value], value, value).normalize().unwrap();
            assert_eq!(
                (fingerprint.hash(&[1; 32]).count(&[]), fingerprint.placeholders()),
                (0, 3),
                "{value:?}"
            );
            assert!(!fingerprint.is_absent(), "something was sent: {value:?}");
        }
        assert!(RawFingerprint::default().normalize().unwrap().is_absent());
    }

    #[test]
    fn one_shared_network_card_is_agreement() {
        let one = raw(&["02:00:00:00:00:01", "02:00:00:00:00:02"], "a", "b")
            .normalize()
            .unwrap()
            .hash(&[1; 32]);
        let other = raw(&["02:00:00:00:00:02", "02:00:00:00:00:03"], "a", "c")
            .normalize()
            .unwrap()
            .hash(&[1; 32]);
        assert_eq!(one.agreement(&other, &[]), 2);
    }

    #[test]
    fn extra_counts_only_where_it_is_named() {
        let mut sent = raw(&[], "a", "b");
        sent.extra.insert("Dongle".to_owned(), "123".to_owned());
        let components = sent.normalize().unwrap().hash(&[1; 32]);
        assert_eq!(components.count(&[]), 2);
        assert_eq!(components.count(&["dongle".to_owned()]), 3);
        assert_eq!(components.agreement(&components, &["dongle".to_owned()]), 3);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(raw(&["02:00:00:00:00:01"; 65], "a", "b").normalize().is_err());
        assert!(raw(&[], &"a".repeat(257), "b").normalize().is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_sent_normalizes_or_is_refused(macs in prop::collection::vec(".{0,40}", 0..8), cpu in ".{0,40}", uuid in ".{0,300}") {
            let sent = RawFingerprint { mac_addresses: macs, cpu_id: Some(cpu), system_uuid: Some(uuid), extra: BTreeMap::new() };
            if let Ok(fingerprint) = sent.normalize() {
                let components = fingerprint.hash(&[7; 32]);
                prop_assert!(components.count(&[]) <= 3);
                prop_assert_eq!(components.agreement(&components, &[]), components.count(&[]));
                let text = serde_json::to_string(&components).unwrap();
                prop_assert_eq!(serde_json::from_str::<Components>(&text).unwrap(), components);
            }
        }
    }
}
