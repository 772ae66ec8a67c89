//! Use cases of API keys.

mod authenticate;
mod create;
mod revoke;

pub use create::{CreatedApiKey, NewApiKey};
