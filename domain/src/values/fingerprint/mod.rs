//! What a machine is known by.
//!
//! Source of the rules: the contract, "License clients". Components are normalized; what many machines have at once
//! counts as absent; what is kept are hashes under a key of the license, which the lease hands to the machine so that
//! it can compare itself offline. Two licenses share no hash.

mod components;
mod identity;
mod shared;

use std::{collections::BTreeMap, fmt};

pub use components::{ComponentHash, Components};
pub use identity::{MachineIdentity, MatchRule};

use super::ValueError;

const MAX_MACS: usize = 64;
const MAX_EXTRAS: usize = 32;
const MAX_VALUE_BYTES: usize = 256;

/// Components as a client sent them.
#[derive(Debug, Clone, Default)]
pub struct RawFingerprint {
    /// Hardware addresses of the network cards, in any usual notation.
    pub mac_addresses: Vec<String>,
    /// The processor's id.
    pub cpu_id: Option<String>,
    /// The system's UUID from the firmware.
    pub system_uuid: Option<String>,
    /// The operating system's installation id (`/etc/machine-id`, `MachineGuid`).
    pub machine_id: Option<String>,
    /// Further components by name; they count only where the policy names them.
    pub extra: BTreeMap<String, String>,
}

/// Components that have been normalized.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    macs: Vec<Normalized>,
    cpu: Option<Normalized>,
    uuid: Option<Normalized>,
    machine: Option<Normalized>,
    extra: BTreeMap<String, Normalized>,
    sent: usize,
}

/// A value as it is compared, and whether it tells machines apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Normalized {
    text: String,
    dropped: Option<DropReason>,
}

/// Why a value counts as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// Nobody filled the real value in.
    Placeholder,
    /// Software made the address up: IEEE 802's bit for locally administered addresses is set.
    LocallyAdministered,
    /// Many machines have it at once.
    Shared,
    /// The policy does not name it.
    NotNamed,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placeholder => "a placeholder",
            Self::LocallyAdministered => "made up by software",
            Self::Shared => "the same on many machines",
            Self::NotNamed => "not named by the policy",
        })
    }
}

/// A component of which nothing is left, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The component's name on the wire.
    pub component: String,
    /// Why its values count as absent.
    pub reason: DropReason,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.component, self.reason)
    }
}

impl RawFingerprint {
    /// Normalizes every component; refuses absurd sizes.
    pub fn normalize(&self) -> Result<Fingerprint, ValueError> {
        let too_long = |value: &String| value.len() > MAX_VALUE_BYTES;
        let names_and_values = self.extra.iter().flat_map(|(name, value)| [name, value]);
        let single = [&self.cpu_id, &self.system_uuid, &self.machine_id];
        let mut values = self
            .mac_addresses
            .iter()
            .chain(single.into_iter().flatten())
            .chain(names_and_values);
        if self.mac_addresses.len() > MAX_MACS || self.extra.len() > MAX_EXTRAS || values.any(too_long) {
            return Err(ValueError::new(
                "FINGERPRINT_TOO_LARGE",
                "a fingerprint has at most 64 MAC addresses, 32 extra components and 256 bytes a value",
            ));
        }
        let mut macs: Vec<Normalized> = self.mac_addresses.iter().map(|mac| Normalized::mac(mac)).collect();
        macs.sort_unstable();
        macs.dedup();
        Ok(Fingerprint {
            macs,
            cpu: self.cpu_id.as_deref().map(Normalized::value),
            uuid: self.system_uuid.as_deref().map(Normalized::uuid),
            machine: self.machine_id.as_deref().map(Normalized::machine_id),
            extra: self
                .extra
                .iter()
                .map(|(name, value)| (component_name(name), Normalized::value(value)))
                .filter(|(name, _)| !name.is_empty())
                .collect(),
            sent: self.mac_addresses.len() + single.into_iter().flatten().count() + self.extra.len(),
        })
    }
}

impl Fingerprint {
    /// Whether nothing at all was sent.
    pub fn is_absent(&self) -> bool {
        self.sent == 0
    }

    /// The components that were sent and of which nothing is left, each with the reason.
    pub fn dropped(&self) -> Vec<Dropped> {
        let usable_mac = self.macs.iter().any(|mac| mac.dropped.is_none());
        let mac = self.macs.first().filter(|_| !usable_mac);
        let named = [
            ("mac_addresses", mac),
            ("cpu_id", self.cpu.as_ref()),
            ("system_uuid", self.uuid.as_ref()),
            ("machine_id", self.machine.as_ref()),
        ];
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), Some(value)));
        named
            .into_iter()
            .chain(extra)
            .filter_map(|(component, value)| {
                Some(Dropped {
                    component: component.to_owned(),
                    reason: value?.dropped?,
                })
            })
            .collect()
    }

    /// The extra components that were sent and are none of these.
    pub fn unnamed(&self, names: &[String]) -> Vec<Dropped> {
        let unnamed = self.extra.keys().filter(|name| !names.contains(name));
        let dropped = |name: &String| Dropped {
            component: name.clone(),
            reason: DropReason::NotNamed,
        };
        unnamed.map(dropped).collect()
    }

    /// The machine as it is told apart under a license's key.
    pub fn hash(&self, key: &[u8; 32]) -> MachineIdentity {
        let hash = |kind: &str, value: &Normalized| ComponentHash::of(key, kind, &value.text);
        let usable = |value: &&Normalized| value.dropped.is_none();
        // Before there were strengths, only the first placeholders were dropped; what was activated then has hashes of the rest.
        let was_usable = |value: &&Normalized| !shared::was_placeholder(&value.text);
        let macs: Vec<_> = self.macs.iter().map(|mac| (mac, hash("mac", mac))).collect();
        let of_macs = |counts: &dyn Fn(&&Normalized) -> bool| -> Vec<ComponentHash> {
            let counted = macs.iter().filter(|(mac, _)| counts(mac));
            let mut hashes: Vec<_> = counted.map(|(mac, hash)| (&mac.text, *hash)).collect();
            hashes.sort_unstable();
            hashes.into_iter().map(|(_, hash)| hash).collect()
        };
        let components = |counts: &dyn Fn(&&Normalized) -> bool, rules| Components {
            rules,
            mac: of_macs(counts),
            cpu: self.cpu.as_ref().filter(counts).map(|cpu| hash("cpu", cpu)),
            uuid: self.uuid.as_ref().filter(counts).map(|uuid| hash("uuid", uuid)),
            machine: self
                .machine
                .as_ref()
                .filter(|machine| rules > 1 && counts(machine))
                .map(|machine| hash("machine", machine)),
            extra: self
                .extra
                .iter()
                .filter(|(_, value)| counts(value))
                .map(|(name, value)| (name.clone(), hash(name, value)))
                .collect(),
        };
        MachineIdentity {
            components: components(&usable, Components::RULES),
            earlier: components(&was_usable, 1),
            other_uuid: self
                .uuid
                .as_ref()
                .filter(usable)
                .and_then(|uuid| shared::other_byte_order(&uuid.text))
                .map(|uuid| ComponentHash::of(key, "uuid", &uuid)),
        }
    }
}

impl Normalized {
    fn value(value: &str) -> Self {
        let text = normalized(value);
        let dropped = shared::is_placeholder(&text).then_some(DropReason::Placeholder);
        Self { text, dropped }
    }

    fn mac(value: &str) -> Self {
        let known = Self::value(value);
        let dropped = known.dropped.or_else(|| shared::why_mac_is_dropped(&known.text));
        Self { dropped, ..known }
    }

    fn uuid(value: &str) -> Self {
        let known = Self::value(value);
        let is_shared = || shared::is_shared_uuid(&known.text).then_some(DropReason::Placeholder);
        let dropped = known.dropped.or_else(is_shared);
        Self { dropped, ..known }
    }

    fn machine_id(value: &str) -> Self {
        let known = Self::value(value);
        let is_shared = || shared::is_shared_machine_id(&known.text).then_some(DropReason::Shared);
        let dropped = known.dropped.or_else(is_shared);
        Self { dropped, ..known }
    }
}

/// Names go into the log, where Postgres looks into them: it takes no U+0000.
fn component_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).collect();
    plain.trim().to_lowercase()
}

fn normalized(value: &str) -> String {
    let separator = |c: &char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '-' | '.' | '_' | '{' | '}');
    value.trim().to_lowercase().chars().filter(|c| !separator(c)).collect()
}

#[cfg(test)]
mod tests;
