//! Use cases of customers.

mod create;
mod edit;
mod forget;
mod read;

pub use create::NewCustomer;
pub use edit::CustomerChanges;
pub use read::{CustomerView, PersonView};
