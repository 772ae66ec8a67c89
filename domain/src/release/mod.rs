//! A published version of a product.

mod command;
mod decide;
mod event;
mod rejection;
mod state;

pub use command::ReleaseCommand;
pub use event::{ReleaseEvent, ReleasePublished, ReleaseYanked};
pub use rejection::ReleaseRejection;
pub use state::{PublishedRelease, Release};
