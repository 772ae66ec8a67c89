//! Use cases of releases.

mod publish;
mod roll_out;

pub use publish::NewRelease;
