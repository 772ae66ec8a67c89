//! What a customer's events amount to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{command::CustomerCommand, event::CustomerEvent};
use crate::{
    Kind, Lifecycle, Resource,
    values::{CustomerId, Sealed, Timestamp},
};

/// A customer's life.
pub type Customer = Lifecycle<LiveCustomer>;

/// A customer's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveCustomer {
    /// Its id.
    pub id: CustomerId,
    /// Who it is, sealed.
    pub person: Person,
    /// When it was taken up.
    pub created_at: Timestamp,
    /// Whether who it is was forgotten: nothing opens `person` any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
}

/// Who a customer is, each field sealed with the customer's own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    pub name: Sealed,
    /// The mail address.
    pub email: Sealed,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Sealed>,
}

impl Customer {
    pub(super) fn apply(self, event: &CustomerEvent) -> Self {
        match (self, event) {
            (_, CustomerEvent::Created(event)) => Self::Live(LiveCustomer {
                id: event.customer_id,
                person: event.person.clone(),
                created_at: event.at,
                forgotten: false,
            }),
            (Self::Live(customer), CustomerEvent::Edited(event)) => Self::Live(LiveCustomer {
                person: event.person.clone(),
                ..customer
            }),
            (state, CustomerEvent::Retired(_)) => state.into_retired(),
            (Self::Live(customer) | Self::Retired(customer), CustomerEvent::Forgotten(_)) => {
                Self::Retired(LiveCustomer {
                    forgotten: true,
                    ..customer
                })
            }
            (state, _) => state,
        }
    }
}

impl Resource for Customer {
    const KIND: Kind = Kind::new("customer", "customer", "customers");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> CustomerCommand {
        CustomerCommand::Retire { at }
    }
}
