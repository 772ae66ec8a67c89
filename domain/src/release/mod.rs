//! A published version of a product.

mod command;
mod decide;
mod event;
mod offer;
mod state;

pub use command::ReleaseCommand;
pub use event::{ReleaseEvent, ReleasePublished, ReleaseRolloutChanged, ReleaseYanked};
pub use offer::{Offer, offer};
pub use state::{PublishedRelease, Release};
