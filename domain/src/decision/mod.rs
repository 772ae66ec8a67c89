//! What machines were refused, and why. Nothing is decided from it: it is kept so that people can ask.

mod event;

pub use event::{DecisionEvent, DecisionRefused, DecisionRepeated, KeyGuessing};
