//! What is licensed.

mod command;
mod decide;
mod event;
mod rejection;
mod state;

pub use command::ProductCommand;
pub use event::{ProductCreated, ProductEdited, ProductEvent, ProductMinimumVersionRaised, ProductRetired};
pub use rejection::ProductRejection;
pub use state::{LiveProduct, Product};
