//! Use cases of licenses: a machine's (activate, verify, heartbeat, transfer, deactivate) and an operator's.

mod activate;
mod change;
mod check_out;
mod deactivate;
mod edit;
mod effective;
mod heartbeat;
mod issue;
mod machine;
mod note_expiry;
mod reclaim;
mod renew;
mod reveal_key;
mod seating;
mod simulate;
mod token_holder;
mod transfer;
mod true_up;
mod verify;

pub use activate::{Activated, ActivationRequest};
pub use change::StandingChange;
pub use check_out::CheckOutRequest;
pub use deactivate::{DeactivationRequest, DeactivationTargetRequest};
pub use edit::LicenseChanges;
pub(crate) use heartbeat::RecentBeats;
pub use heartbeat::{BeatRequest, HeartbeatOutcome, nonce_digest};

pub use effective::{EffectiveLicense, Followed, Status};
pub use issue::{IssuedKey, NewLicenses};
pub use machine::MachineRequest;
pub use renew::Renewal;
pub use reveal_key::RevealedKey;
pub use simulate::SimulatedLicense;
pub use token_holder::TokenHolder;
pub use transfer::TransferRequest;
pub use verify::{Seat, Verification, Verified, VerifyOptions};
