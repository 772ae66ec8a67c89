//! What licensed programs call. Every answer here is signed.

pub(crate) mod activate;
pub(crate) mod deactivate;
pub(crate) mod info;
pub(crate) mod verify;

use licet_contracts::license::Fingerprint;
use licet_domain::values::RawFingerprint;

/// What a machine sent, as the rules take it.
fn raw(fingerprint: Option<Fingerprint>) -> RawFingerprint {
    let Some(sent) = fingerprint else {
        return RawFingerprint::default();
    };
    RawFingerprint {
        mac_addresses: sent.mac_addresses.unwrap_or_default(),
        cpu_id: sent.cpu_id,
        system_uuid: sent.system_uuid,
        extra: sent.extra.unwrap_or_default(),
    }
}
