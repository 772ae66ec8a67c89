//! Use cases of releases.

mod publish;
mod roll_out;
mod yank;

pub use publish::NewRelease;
