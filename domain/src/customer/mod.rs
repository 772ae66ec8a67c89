//! Who licenses are issued to. Name, mail and company are sealed; the rules never see them.

mod command;
mod decide;
mod event;
mod state;

pub use command::CustomerCommand;
pub use event::{CustomerCreated, CustomerEdited, CustomerEvent, CustomerForgotten, CustomerRetired};
pub use state::{Customer, LiveCustomer, Person};
