//! What a product's events amount to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{command::ProductCommand, event::ProductEvent};
use crate::{
    Kind, Lifecycle, Resource,
    values::{Code, ProductId, Text, Timestamp, Version, VersionScheme},
};

/// A product's life.
pub type Product = Lifecycle<LiveProduct>;

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
            (state, ProductEvent::Retired(_)) => state.into_retired(),
            (state, _) => state,
        }
    }
}

impl Resource for Product {
    const KIND: Kind = Kind::new("product", "product", "products");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> ProductCommand {
        ProductCommand::Retire { at }
    }

    fn code(&self) -> Option<String> {
        Some(self.facts()?.code.to_string())
    }
}
