//! The right to run a product on so many machines, and the machines that use it.

mod activate;
mod command;
mod decide;
mod event;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub use command::{Activate, DeactivationTarget, LicenseCommand, Overrides};
pub use event::{
    LicenseActivated, LicenseDeactivated, LicenseEdited, LicenseEvent, LicenseExpired, LicenseIssued,
    LicenseKeyRevealed, LicenseRenewed, LicenseResumed, LicenseRetired, LicenseRevoked, LicenseSuspended,
};
pub use rejection::LicenseRejection;
pub use state::{Activation, IssuedLicense, License, Standing};
