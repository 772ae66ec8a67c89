//! A range of addresses from which nobody signs in: blocked by an operator, or by itself after failures over many
//! accounts. Its id comes from the range, so that each has one history.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decider, Kind, Lifecycle, Resource, ResourceRejection,
    values::{Sealed, Timestamp},
};

crate::values::ids! {
    /// A range of addresses from which nobody signs in.
    BlockedAddressId,
}

/// A blocked range's life; it may be blocked again later.
pub type BlockedAddress = Lifecycle<LiveBlock>;

/// A blocked range's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveBlock {
    /// Its id.
    pub id: BlockedAddressId,
    /// The range, sealed with the tenant's key.
    pub network: Sealed,
    /// Why, sealed likewise: it may name people.
    pub reason: Option<Sealed>,
    /// Until when; none is until it is taken away.
    pub until: Option<Timestamp>,
    /// Whether it came by itself.
    pub automatic: bool,
    /// Since when.
    pub blocked_at: Timestamp,
}

impl LiveBlock {
    /// Whether it is over by itself.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// An order to a blocked range.
#[derive(Debug, Clone)]
pub enum BlockedAddressCommand {
    /// Blocks it.
    Block(AddressBlocked),
    /// Lets it in again.
    Unblock(AddressUnblocked),
}

crate::events! {
    /// What is recorded of a blocked range.
    pub enum BlockedAddressEvent {
        /// It was blocked.
        Blocked(AddressBlocked) = ("blocked_address.blocked", 1),
        /// It was let in again.
        Unblocked(AddressUnblocked) = ("blocked_address.unblocked", 1),
    }
}

/// A range was blocked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddressBlocked {
    /// Its id.
    pub blocked_address_id: BlockedAddressId,
    /// The range, sealed with the tenant's key.
    pub network: Sealed,
    /// Why, sealed likewise.
    pub reason: Option<Sealed>,
    /// Until when; none is until it is taken away.
    pub until: Option<Timestamp>,
    /// Whether it came by itself.
    pub automatic: bool,
    /// The moment.
    pub at: Timestamp,
}

/// A range was let in again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddressUnblocked {
    /// The moment.
    pub at: Timestamp,
}

impl Decider for BlockedAddress {
    const TYPE: &'static str = Self::KIND.name;
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = BlockedAddressCommand;
    type Event = BlockedAddressEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: BlockedAddressCommand) -> Result<Vec<BlockedAddressEvent>, ResourceRejection> {
        match (state, command) {
            // What blocks itself may do so on two nodes at once; and it never makes an operator's block shorter.
            (Self::Live(block), BlockedAddressCommand::Block(order)) if !block.is_over(order.at) => {
                if order.automatic {
                    return Ok(vec![]);
                }
                Err(ResourceRejection::Conflict {
                    code: "ADDRESS_ALREADY_BLOCKED",
                    detail: "this range is blocked already; to block it otherwise, unblock it first",
                })
            }
            (_, BlockedAddressCommand::Block(order)) => Ok(vec![BlockedAddressEvent::Blocked(order)]),
            (Self::Retired(_), BlockedAddressCommand::Unblock(_)) => Ok(vec![]),
            (state, BlockedAddressCommand::Unblock(order)) => {
                state.live(Self::KIND)?;
                Ok(vec![BlockedAddressEvent::Unblocked(order)])
            }
        }
    }

    fn evolve(state: Self, event: &BlockedAddressEvent) -> Self {
        match event {
            BlockedAddressEvent::Blocked(event) => Self::Live(LiveBlock {
                id: event.blocked_address_id,
                network: event.network.clone(),
                reason: event.reason.clone(),
                until: event.until,
                automatic: event.automatic,
                blocked_at: event.at,
            }),
            BlockedAddressEvent::Unblocked(_) => state.into_retired(),
        }
    }

    fn weight(_: &Self) -> usize {
        400
    }
}

impl Resource for BlockedAddress {
    const KIND: Kind = Kind::new("blocked_address", "blocked address", "blocked-addresses");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> BlockedAddressCommand {
        BlockedAddressCommand::Unblock(AddressUnblocked { at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus_seconds(second)
    }

    fn block(second: i64, until: Option<i64>, automatic: bool) -> BlockedAddressCommand {
        BlockedAddressCommand::Block(AddressBlocked {
            blocked_address_id: BlockedAddressId(Uuid::nil()),
            network: Sealed("sealed".to_owned()),
            reason: None,
            until: until.map(at),
            automatic,
            at: at(second),
        })
    }

    #[test]
    fn a_range_is_blocked_once_and_again_when_that_is_over() {
        let blocked = given::<BlockedAddress>([])
            .when(block(0, Some(60), true))
            .then_events()
            .remove(0);
        let history = || [blocked.clone()];
        given::<BlockedAddress>(history())
            .when(block(59, None, true))
            .then_nothing();
        let twice = ResourceRejection::Conflict {
            code: "ADDRESS_ALREADY_BLOCKED",
            detail: "this range is blocked already; to block it otherwise, unblock it first",
        };
        given::<BlockedAddress>(history())
            .when(block(59, None, false))
            .then_rejected(&twice);
        given::<BlockedAddress>(history())
            .when(block(60, None, false))
            .then_events();
        let unblock = || BlockedAddress::retire(at(30));
        let unblocked = given::<BlockedAddress>(history())
            .when(unblock())
            .then_events()
            .remove(0);
        let ended = || [blocked.clone(), unblocked.clone()];
        given::<BlockedAddress>(ended()).when(unblock()).then_nothing();
        given::<BlockedAddress>(ended())
            .when(block(31, None, true))
            .then_events();
        let missing = ResourceRejection::NotFound(BlockedAddress::KIND);
        given::<BlockedAddress>([]).when(unblock()).then_rejected(&missing);
    }
}
