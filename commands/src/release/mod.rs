//! Use cases of releases.

mod publish;
mod yank;

pub use publish::NewRelease;
