//! A machine's components as the server keeps them: hashes, never values.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// The first 16 bytes of HMAC-SHA-256(license's key, kind ‖ 0 ‖ value), written as 22 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentHash([u8; 16]);

impl ComponentHash {
    pub(super) fn of(key: &[u8; 32], kind: &str, value: &str) -> Self {
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

/// A machine's components as they are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    /// Under which rules they were recorded: 1 knew neither strengths nor a veto, and few placeholders.
    #[serde(default = "first_rules", skip_serializing_if = "are_first_rules")]
    pub rules: u8,
    /// One hash per network card, sorted by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mac: Vec<ComponentHash>,
    /// The processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<ComponentHash>,
    /// The system UUID, in the byte order in which it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<ComponentHash>,
    /// The operating system's installation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<ComponentHash>,
    /// Further components by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, ComponentHash>,
}

const fn first_rules() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
fn are_first_rules(rules: &u8) -> bool {
    *rules == first_rules()
}

impl Default for Components {
    fn default() -> Self {
        Self {
            rules: Self::RULES,
            mac: Vec::new(),
            cpu: None,
            uuid: None,
            machine: None,
            extra: BTreeMap::new(),
        }
    }
}

impl Components {
    /// The rules by which machines are recorded now.
    pub const RULES: u8 = 2;

    /// Every hash, whichever of them count.
    pub fn hashes(&self) -> impl Iterator<Item = &ComponentHash> {
        let single = self.cpu.iter().chain(&self.uuid).chain(&self.machine);
        self.mac.iter().chain(single).chain(self.extra.values())
    }

    /// A short digest of all of them, by which people tell machines apart; `None` where there are none.
    pub fn digest(&self) -> Option<String> {
        self.hashes().next()?;
        let mut digest = Sha256::new();
        // In the order of the first rules, which the digests of old machines rest on.
        let first = self.mac.iter().chain(&self.cpu).chain(&self.uuid);
        for hash in first.chain(self.extra.values()).chain(&self.machine) {
            digest.update(hash.0);
        }
        Some(URL_SAFE_NO_PAD.encode(&digest.finalize()[..8]))
    }

    /// How many components there are that count; the network cards are one, however many there are.
    pub fn count(&self, extras: &[String]) -> usize {
        usize::from(!self.mac.is_empty())
            + usize::from(self.cpu.is_some())
            + usize::from(self.uuid.is_some())
            + usize::from(self.machine.is_some())
            + extras.iter().filter(|name| self.extra.contains_key(*name)).count()
    }

    /// Whether anything but the processor counts: a processor's id is its model, which thousands have.
    pub fn tells_apart(&self, extras: &[String]) -> bool {
        self.count(extras) > usize::from(self.cpu.is_some())
    }

    /// Whether two machines share what is one machine's own: a network card or the system's UUID. A processor's kind is
    /// shared by a whole series.
    pub fn resembles(&self, other: &Self) -> bool {
        self.mac.iter().any(|mac| other.mac.contains(mac)) || self.uuid.is_some() && self.uuid == other.uuid
    }
}
