//! What is recorded of a product.

use serde::{Deserialize, Serialize};

use crate::values::{Code, ProductId, ReleaseId, Text, Timestamp, Version, VersionScheme};

crate::events! {
    /// What is recorded of a product.
    pub enum ProductEvent {
        /// It was taken up.
        Created(ProductCreated) = ("product.created", 1),
        /// It was changed.
        Edited(ProductEdited) = ("product.edited", 1),
        /// Programs below a version may not run any more.
        MinimumVersionRaised(ProductMinimumVersionRaised) = ("product.minimum_version_raised", 1),
        /// An operator has set, lowered or lifted the lowest version that may run.
        MinimumVersionSet(ProductMinimumVersionSet) = ("product.minimum_version_set", 1),
        /// It was taken out of use.
        Retired(ProductRetired) = ("product.retired", 1),
    }
}

/// A product was taken up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductCreated {
    /// Its id.
    pub product_id: ProductId,
    /// Its unique code.
    pub code: Code,
    /// Its name.
    pub name: Text<200>,
    /// How it writes its versions.
    #[serde(default, skip_serializing_if = "VersionScheme::is_default")]
    pub version_scheme: VersionScheme,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A product was changed; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductEdited {
    /// Its name.
    pub name: Text<200>,
    /// How it writes its versions.
    #[serde(default, skip_serializing_if = "VersionScheme::is_default")]
    pub version_scheme: VersionScheme,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// Programs below a version may not run any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductMinimumVersionRaised {
    /// The lowest version that may run.
    pub version: Version,
    /// The release that says so.
    pub release_id: ReleaseId,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// An operator has set, lowered or lifted the lowest version that may run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductMinimumVersionSet {
    /// The lowest version that may run; absent is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}

/// A product was taken out of use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductRetired {
    /// When the request for it arrived, by the server's clock, in UTC.
    pub at: Timestamp,
}
