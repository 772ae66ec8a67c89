//! What a product's events amount to.

use serde::{Deserialize, Serialize};

use super::event::ProductEvent;
use crate::values::{Code, ProductId, Text, Timestamp, Version, VersionScheme};

/// A product's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Product {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It is in use.
    Live(LiveProduct),
    /// It is out of use.
    Retired(LiveProduct),
}

/// A product's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveProduct {
    /// Its id.
    pub id: ProductId,
    /// Its unique code.
    pub code: Code,
    /// Its name.
    pub name: Text<200>,
    /// How it writes its versions.
    #[serde(default)]
    pub version_scheme: VersionScheme,
    /// The lowest version that may run.
    pub min_version: Option<Version>,
    /// When it was taken up.
    pub created_at: Timestamp,
}

impl Product {
    /// The facts, in use or not.
    pub fn facts(&self) -> Option<&LiveProduct> {
        match self {
            Self::Absent => None,
            Self::Live(product) | Self::Retired(product) => Some(product),
        }
    }

    pub(super) fn apply(self, event: &ProductEvent) -> Self {
        match (self, event) {
            (_, ProductEvent::Created(event)) => Self::Live(LiveProduct {
                id: event.product_id,
                code: event.code.clone(),
                name: event.name.clone(),
                version_scheme: event.version_scheme,
                min_version: None,
                created_at: event.at,
            }),
            (Self::Live(product), ProductEvent::Edited(event)) => Self::Live(LiveProduct {
                name: event.name.clone(),
                version_scheme: event.version_scheme,
                ..product
            }),
            (Self::Live(product), ProductEvent::MinimumVersionRaised(event)) => Self::Live(LiveProduct {
                min_version: Some(event.version.clone()),
                ..product
            }),
            (Self::Live(product), ProductEvent::MinimumVersionSet(event)) => Self::Live(LiveProduct {
                min_version: event.version.clone(),
                ..product
            }),
            (Self::Live(product), ProductEvent::Retired(_)) => Self::Retired(product),
            (state, _) => state,
        }
    }
}
