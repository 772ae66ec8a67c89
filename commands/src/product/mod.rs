//! Use cases of products.

mod create;
mod edit;
mod read;

pub use create::NewProduct;
pub use edit::ProductChanges;
