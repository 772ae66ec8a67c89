//! Use cases of customers.

mod create;
mod edit;
mod read;
mod retire;

pub use create::NewCustomer;
pub use edit::CustomerChanges;
pub use read::{CustomerView, PersonView};
