//! What a customer's events amount to.

use serde::{Deserialize, Serialize};

use super::event::CustomerEvent;
use crate::values::{CustomerId, Sealed, Timestamp};

/// A customer's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Customer {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It may get licenses.
    Live(LiveCustomer),
    /// It is out of use: no new licenses.
    Retired(LiveCustomer),
}

/// A customer's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveCustomer {
    /// Its id.
    pub id: CustomerId,
    /// Who it is, sealed.
    pub person: Person,
    /// When it was taken up.
    pub created_at: Timestamp,
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
    /// The facts, in use or not.
    pub fn facts(&self) -> Option<&LiveCustomer> {
        match self {
            Self::Absent => None,
            Self::Live(customer) | Self::Retired(customer) => Some(customer),
        }
    }

    pub(super) fn apply(self, event: &CustomerEvent) -> Self {
        match (self, event) {
            (_, CustomerEvent::Created(event)) => Self::Live(LiveCustomer {
                id: event.customer_id,
                person: event.person.clone(),
                created_at: event.at,
            }),
            (Self::Live(customer), CustomerEvent::Edited(event)) => Self::Live(LiveCustomer {
                person: event.person.clone(),
                ..customer
            }),
            (Self::Live(customer), CustomerEvent::Retired(_)) => Self::Retired(customer),
            (state, _) => state,
        }
    }
}
