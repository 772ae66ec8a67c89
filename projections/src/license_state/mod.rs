//! One row for each license: how it stands and how many machines are active.
//!
//! Invariant: rows come only from recorded events, so dropping the table loses nothing.

mod past;
mod projector;
mod query;

pub(crate) use past::of_customer;
pub(crate) use projector::{LicenseState, Row};
pub use query::{DueLicense, EndingLicense, KeySearch, LicenseFilter, LicenseRow, due, ending_untold, list};
