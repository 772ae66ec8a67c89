//! Use cases of licenses: a machine's (activate, verify, deactivate) and an operator's.

mod activate;
mod change;
mod deactivate;
mod edit;
mod in_force;
mod issue;
mod note_expiry;
mod renew;
mod reveal_key;
mod verify;

pub use activate::{Activated, ActivationRequest};
pub use change::StandingChange;
pub use deactivate::{DeactivationRequest, DeactivationTargetRequest};
pub use edit::LicenseChanges;
pub use in_force::{InForce, Status};
pub use issue::{IssuedKey, NewLicenses};
pub use renew::Renewal;
pub use reveal_key::RevealedKey;
pub use verify::{Verification, Verified};
