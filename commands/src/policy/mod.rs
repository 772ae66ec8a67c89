//! Use cases of policies.

mod create;
mod edit;
mod read;
mod terms;

pub use create::NewPolicy;
pub use terms::TermsChanges;
