//! Orders to a license.

use std::sync::Arc;

use super::event::LicenseIssued;
use crate::{
    policy::Terms,
    values::{ActivationId, Features, Fingerprint, Limits, MachineIdentity, Sealed, Timestamp, Version},
};

/// An order to a license.
#[derive(Debug, Clone)]
pub enum LicenseCommand {
    /// Issues the license; the hash of its key is claimed in the same submission.
    Issue(Box<LicenseIssued>),
    /// Replaces what the license overrides of its policy, its dates and its note.
    Edit {
        /// The overrides from now on.
        overrides: Overrides,
        /// When it begins.
        valid_from: Timestamp,
        /// When it ends; `None` is never.
        expires_at: Option<Timestamp>,
        /// Free text about it, sealed.
        note: Option<Sealed>,
        /// Now.
        at: Timestamp,
    },
    /// Gives a machine a seat, unless it has one.
    Activate(Box<Activate>),
    /// Gives one machine's seat to another: the old one goes and the new one comes, or neither.
    Transfer {
        /// The machine that has the seat.
        from: ActivationId,
        /// The machine that gets it.
        to: Box<Activate>,
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Whether an operator asks, who may end what was taken along offline.
        by_operator: bool,
    },
    /// Takes a floating seat back whose machine was silent for too long; the log checks the hold under its lock.
    ReleaseSeat {
        /// Whose seat.
        activation_id: ActivationId,
        /// The policy's terms in force.
        terms: Arc<Terms>,
        /// Now.
        at: Timestamp,
    },
    /// Gives a machine that was silent its seat again, while one is free.
    ReviveSeat {
        /// Whose seat.
        activation_id: ActivationId,
        /// The policy's terms in force.
        terms: Arc<Terms>,
        /// Which version of the policy those are.
        policy_version: u32,
        /// Now.
        at: Timestamp,
    },
    /// Records once a billing period that more was used than is included.
    NoteUsage {
        /// Of which meter.
        meter: String,
        /// The billing period's beginning.
        period: Timestamp,
        /// What is included.
        limit: u64,
        /// What was used.
        used: u64,
        /// Now.
        at: Timestamp,
    },
    /// Gives a machine without a network a longer lease.
    CheckOut {
        /// Which machine.
        activation_id: ActivationId,
        /// When the lease ends.
        until: Timestamp,
        /// The policy's terms in force.
        terms: Arc<Terms>,
        /// Now.
        at: Timestamp,
    },
    /// Takes a machine's seat back.
    Deactivate {
        /// Which machine.
        target: DeactivationTarget,
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Whether an operator asks, who may end what was taken along offline.
        by_operator: bool,
        /// Now.
        at: Timestamp,
    },
    /// Stops the license until it is resumed.
    Suspend {
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Now.
        at: Timestamp,
    },
    /// Lets a suspended license work again.
    Resume {
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Now.
        at: Timestamp,
    },
    /// Ends the license for good.
    Revoke {
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Now.
        at: Timestamp,
    },
    /// Moves the license's end.
    Renew {
        /// How long the policy grants; counted from the present end, or from now where that is past.
        duration_days: Option<u32>,
        /// An end given by hand; it wins over the policy's duration.
        expires_at: Option<Timestamp>,
        /// The reason, in the words of whoever asked; at most 500 characters.
        reason: Option<String>,
        /// Now.
        at: Timestamp,
    },
    /// Records that the end has come, for those who subscribe to it; what counts is computed from the time.
    NoteExpiry {
        /// Now.
        at: Timestamp,
    },
    /// Shows the key to an operator; each time is recorded.
    RevealKey {
        /// Now.
        at: Timestamp,
    },
    /// Takes the license out of the books; it is no longer found.
    Retire {
        /// Now.
        at: Timestamp,
    },
}

/// What a license changes of its policy's terms.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Overrides {
    /// Seats in place of the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// Features on top of the policy's.
    #[serde(default, skip_serializing_if = "Features::is_empty")]
    pub features: Features,
    /// Limits on top of the policy's.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

/// A machine asks for a seat.
#[derive(Debug, Clone)]
pub struct Activate {
    /// The id that a new activation gets.
    pub activation_id: ActivationId,
    /// What the machine sent, normalized.
    pub fingerprint: Fingerprint,
    /// The same as hashes under the license's key.
    pub identity: MachineIdentity,
    /// The policy's terms in force.
    pub terms: Arc<Terms>,
    /// Which version of the policy those are.
    pub policy_version: u32,
    /// The lowest version that may run.
    pub min_version: Option<Version>,
    /// The machine's name, sealed.
    pub hostname: Option<Sealed>,
    /// The operating system.
    pub os: Option<String>,
    /// The program's version.
    pub app_version: Option<Version>,
    /// Now.
    pub at: Timestamp,
}

/// Which machine is to lose its seat.
#[derive(Debug, Clone)]
pub enum DeactivationTarget {
    /// The one with this id.
    Id(ActivationId),
    /// The one that this fingerprint matches.
    Machine {
        /// What the machine sent, as hashes.
        identity: Box<MachineIdentity>,
        /// The policy's terms in force.
        terms: Arc<Terms>,
    },
}

impl DeactivationTarget {
    /// The id, where the target was named by it.
    pub fn id(&self) -> Option<ActivationId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Machine { .. } => None,
        }
    }
}
