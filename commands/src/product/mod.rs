//! Use cases of products.

mod create;
mod edit;
mod read;
mod retire;

pub use create::NewProduct;
pub use edit::ProductChanges;
pub use read::ProductView;
