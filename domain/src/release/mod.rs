//! A published version of a product.

mod command;
mod decide;
mod event;
mod offer;
mod rejection;
mod state;

pub use command::ReleaseCommand;
pub use event::{ReleaseEvent, ReleasePublished, ReleaseRolloutChanged, ReleaseYanked};
pub use offer::{Offer, offer};
pub use rejection::ReleaseRejection;
pub use state::{PublishedRelease, Release};
