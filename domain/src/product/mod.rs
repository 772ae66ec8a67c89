//! What is licensed.

mod command;
mod decide;
mod event;
mod state;

pub use command::ProductCommand;
pub use event::{ProductCreated, ProductEdited, ProductEvent, ProductMinimumVersionRaised, ProductRetired};
pub use state::{LiveProduct, Product};
