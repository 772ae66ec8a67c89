//! Use cases of policies.

mod create;
mod edit;
mod read;
mod retire;
mod terms;

pub use create::NewPolicy;
pub use read::PolicyView;
pub use terms::TermsChanges;
