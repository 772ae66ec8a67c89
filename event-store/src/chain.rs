//! The hash chain: each event vouches for all before it.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::envelope::RecordedEvent;

/// The hash of an event and of everything before it in its table.
pub type Link = [u8; 32];

/// Where every chain begins.
pub const GENESIS: Link = [0; 32];

/// Changes when the way of hashing changes.
const VERSION: u8 = 1;

/// The envelope's fields, borrowed, in the order in which they are hashed.
pub(crate) struct Fields<'a> {
    pub(crate) position: i64,
    pub(crate) aggregate_type: &'a str,
    pub(crate) aggregate_id: &'a str,
    pub(crate) sequence: i64,
    pub(crate) event_type: &'a str,
    pub(crate) event_version: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) tenant_id: &'a str,
    pub(crate) command_id: Uuid,
    pub(crate) command_index: i32,
    pub(crate) recorded_at: OffsetDateTime,
}

/// `SHA-256(previous ‖ version ‖ each field, length-prefixed)`; numbers are big-endian, the time in microseconds.
pub(crate) fn link(previous: &Link, event: &Fields<'_>) -> Link {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update([VERSION]);
    let micros = (event.recorded_at.unix_timestamp_nanos() / 1000) as i64;
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(&event.position.to_be_bytes());
    field(event.aggregate_type.as_bytes());
    field(event.aggregate_id.as_bytes());
    field(&event.sequence.to_be_bytes());
    field(event.event_type.as_bytes());
    field(event.event_version.as_bytes());
    field(event.payload.as_bytes());
    field(event.metadata.as_bytes());
    field(event.tenant_id.as_bytes());
    field(event.command_id.as_bytes());
    field(&event.command_index.to_be_bytes());
    field(&micros.to_be_bytes());
    hash.finalize().into()
}

/// The link that an event makes after `previous`.
pub fn link_recorded(previous: &Link, event: &RecordedEvent) -> Link {
    link(
        previous,
        &Fields {
            position: event.position,
            aggregate_type: &event.aggregate_type,
            aggregate_id: &event.aggregate_id,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            payload: &event.payload,
            metadata: &event.metadata,
            tenant_id: &event.tenant_id,
            command_id: event.command_id,
            command_index: event.command_index,
            recorded_at: event.recorded_at,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> RecordedEvent {
        RecordedEvent {
            position: 1,
            aggregate_type: "license".to_owned(),
            aggregate_id: "a".to_owned(),
            sequence: 1,
            event_type: "license.issued".to_owned(),
            event_version: "1".to_owned(),
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            tenant_id: "default".to_owned(),
            command_id: Uuid::nil(),
            command_index: 0,
            recorded_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_field_counts() {
        let changes: [fn(&mut RecordedEvent); 12] = [
            |e| e.position = 2,
            |e| e.aggregate_type.push('x'),
            |e| e.aggregate_id.push('x'),
            |e| e.sequence = 2,
            |e| e.event_type.push('x'),
            |e| e.event_version.push('x'),
            |e| e.payload.push(' '),
            |e| e.metadata.push(' '),
            |e| e.tenant_id.push('x'),
            |e| e.command_id = Uuid::max(),
            |e| e.command_index = 1,
            |e| e.recorded_at += time::Duration::MICROSECOND,
        ];
        let original = link_recorded(&GENESIS, &event());
        for change in changes {
            let mut changed = event();
            change(&mut changed);
            assert_ne!(link_recorded(&GENESIS, &changed), original);
        }
        assert_ne!(link_recorded(&original, &event()), original);
    }

    #[test]
    fn moving_a_byte_between_fields_is_noticed() {
        let (mut one, mut other) = (event(), event());
        (one.event_type, one.event_version) = ("ab".to_owned(), "c".to_owned());
        (other.event_type, other.event_version) = ("a".to_owned(), "bc".to_owned());
        assert_ne!(link_recorded(&GENESIS, &one), link_recorded(&GENESIS, &other));
    }
}
