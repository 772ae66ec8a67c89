//! A credential for machines. The secret itself is never recorded, only claimed by its keyed hash.

mod command;
mod decide;
mod event;
mod state;

pub use command::ApiKeyCommand;
pub use event::{ApiKeyCreated, ApiKeyEvent, ApiKeyRevoked};
pub use state::{ApiKey, IssuedApiKey, Scope};
