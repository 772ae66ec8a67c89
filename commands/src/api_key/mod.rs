//! Use cases of API keys.

mod authenticate;
mod create;
mod rotate;

pub use create::{CreatedApiKey, NewApiKey};
