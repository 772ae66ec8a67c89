//! What every aggregate is: two pure functions over its events.

use serde::{Serialize, de::DeserializeOwned};

use crate::values::{ActivationId, LicenseId};

/// An aggregate's whole behavior: pure functions, no I/O, no clock.
pub trait Decider: Send + Sync + 'static {
    /// The aggregate's name in the log, such as `license`.
    const TYPE: &'static str;
    /// Goes up when `State`'s serialized shape changes, so that old snapshots are not read.
    const STATE_SCHEMA: i32;
    /// What the events so far amount to. The default is "nothing has happened".
    type State: Default + Clone + Send + Sync + Serialize + DeserializeOwned + 'static;
    /// An order, with every looked-up fact that it needs.
    type Command;
    /// A recorded fact.
    type Event: EventData;
    /// Why an order must not be carried out.
    type Rejection: std::error::Error + Clone + Send + Sync + 'static;

    /// Says what happens, or why it must not. An empty list means "already so".
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Folds one recorded fact into the state. It never fails and never judges.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The seats that these events take or free, given the state after them; kept beside the log, written in the same transaction.
    fn holds(_: &Self::State, _: &[Self::Event]) -> Vec<SeatHold> {
        Vec::new()
    }

    /// About how many bytes the state takes in memory; bounds the cache.
    fn weight(state: &Self::State) -> usize;
}

/// A floating seat is held until a moment of the database's clock, and each beat moves that moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatHold {
    /// The seat is taken, or taken again, for so many seconds from now.
    Take {
        /// Whose seat.
        activation_id: ActivationId,
        /// Of which license.
        license_id: LicenseId,
        /// For how long.
        seconds: u32,
    },
    /// A beat holds the seat for so many seconds from now; refused when the seat has fallen free.
    Extend {
        /// Whose seat.
        activation_id: ActivationId,
        /// For how long.
        seconds: u32,
    },
    /// The seat is free.
    Free {
        /// Whose seat.
        activation_id: ActivationId,
    },
}

/// A closed set of events that one aggregate records.
pub trait EventData: Clone + Send + Sync + PartialEq + std::fmt::Debug + 'static {
    /// Every stored name with the version that is written today.
    const TYPES: &'static [(&'static str, u16)];
    /// Turns payloads of older versions into the next one; empty while every event is at its first version.
    const UPCASTERS: &'static [Upcaster];

    /// The stored name, such as `license.activated`.
    fn event_type(&self) -> &'static str;
    /// The version of the payload's shape.
    fn event_version(&self) -> u16;
    /// The payload as JSON text; these exact bytes are stored and hashed.
    fn encode(&self) -> String;
    /// Reads a payload of the version that is written today.
    fn decode(event_type: &str, payload: &str) -> Result<Self, DecodeError>;
}

/// One step from a version of an event's payload to the next.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The stored name that it applies to.
    pub event_type: &'static str,
    /// The version that it reads; it writes `from + 1`.
    pub from: u16,
    /// The change of shape. It must accept every payload of that version ever recorded.
    pub upcast: fn(serde_json::Value) -> serde_json::Value,
}

/// A stored event that this program cannot read. Readers stop at it; they never skip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The name is not one that the aggregate knows.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The version is newer than this program, or no upcaster leads on from it.
    #[error("event {event_type:?} has version {version}, which this program cannot read")]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored version.
        version: String,
    },
    /// The payload does not have the shape that its name and version promise.
    #[error("event {event_type:?} has a payload that does not decode: {cause}")]
    Payload {
        /// The stored name.
        event_type: String,
        /// What the decoder said.
        cause: String,
    },
}

/// Declares an aggregate's events: the enum, the stored names and versions, encoding and decoding.
#[macro_export]
macro_rules! events {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident($payload:ty) = ($stored:literal, $version:literal) ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($payload), )+
        }

        impl $crate::EventData for $name {
            const TYPES: &'static [(&'static str, u16)] = &[ $( ($stored, $version) ),+ ];
            const UPCASTERS: &'static [$crate::Upcaster] = &[];

            fn event_type(&self) -> &'static str {
                match self { $( Self::$variant(_) => $stored, )+ }
            }

            fn event_version(&self) -> u16 {
                match self { $( Self::$variant(_) => $version, )+ }
            }

            fn encode(&self) -> String {
                match self {
                    $( Self::$variant(payload) => serde_json::to_string(payload), )+
                }
                .expect("events hold only strings, numbers and maps with string keys, which always encode")
            }

            fn decode(event_type: &str, payload: &str) -> Result<Self, $crate::DecodeError> {
                match event_type {
                    $( $stored => serde_json::from_str(payload).map(Self::$variant), )+
                    _ => return Err($crate::DecodeError::UnknownType(event_type.to_owned())),
                }
                .map_err(|error| $crate::DecodeError::Payload {
                    event_type: event_type.to_owned(),
                    cause: error.to_string(),
                })
            }
        }
    };
}
