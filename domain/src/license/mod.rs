//! The right to run a product on so many machines, and the machines that use it.

mod activate;
mod command;
mod decide;
mod event;
mod machines;
mod rejection;
#[cfg(test)]
mod seat_tests;
mod seats;
mod simulate;
mod state;
#[cfg(test)]
mod tests;

pub use command::{Activate, DeactivationTarget, LicenseCommand, Overrides};
pub use event::{
    LicenseActivated, LicenseCheckedOut, LicenseDeactivated, LicenseEdited, LicenseEvent, LicenseExpired,
    LicenseIssued, LicenseKeyRevealed, LicenseLimitCrossed, LicenseRenewed, LicenseResumed, LicenseRetired,
    LicenseRevoked, LicenseSeatReleased, LicenseSeatRevived, LicenseStarted, LicenseSuspended,
};
pub use machines::{Activation, seat_status};
pub use rejection::{InsufficientFingerprint, LicenseRejection};
pub use simulate::{SimulatedRefusal, Simulation};
pub use state::{IssuedLicense, License, Standing};

impl License {
    /// What it is called.
    pub const KIND: crate::Kind = crate::Kind::new("license", "license", "licenses");
}
