//! Orders to a product.

use crate::values::{Code, ProductId, ReleaseId, Text, Timestamp, Version, VersionScheme};

/// An order to a product.
#[derive(Debug, Clone)]
pub enum ProductCommand {
    /// Takes up a product; its code is claimed in the same submission.
    Create {
        /// The new product's id.
        id: ProductId,
        /// Unique in the tenant.
        code: Code,
        /// For people.
        name: Text<200>,
        /// How it writes its versions.
        version_scheme: VersionScheme,
        /// Now.
        at: Timestamp,
    },
    /// Changes what may be changed.
    Edit {
        /// For people.
        name: Text<200>,
        /// How it writes its versions.
        version_scheme: VersionScheme,
        /// The lowest version that may run; none is any.
        min_version: Option<Version>,
        /// Now.
        at: Timestamp,
    },
    /// Says that programs below a version must not run any more. A lower version than the present one changes nothing.
    RaiseMinimumVersion {
        /// The lowest version that may run.
        version: Version,
        /// The release that says so.
        release_id: ReleaseId,
        /// Now.
        at: Timestamp,
    },
    /// Takes the product out of use; existing licenses live on.
    Retire {
        /// Now.
        at: Timestamp,
    },
}
