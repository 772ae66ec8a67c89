//! What operators keep in collections: taken up, changed, taken out of use.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Decider, values::Timestamp};

/// What a kind of thing is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// In the log, and in codes: `api_key`.
    pub name: &'static str,
    /// By people: `API key`.
    pub noun: &'static str,
    /// Its collection in the admin API: `api-keys`.
    pub collection: &'static str,
}

impl Kind {
    /// A kind by its three names.
    pub const fn new(name: &'static str, noun: &'static str, collection: &'static str) -> Self {
        Self { name, noun, collection }
    }

    /// The stable code of something that is so with it, such as `API_KEY_NOT_FOUND`.
    pub fn code(&self, what: &str) -> String {
        format!("{}_{what}", self.name.to_uppercase())
    }
}

/// An aggregate that operators keep in a collection. Reading, listing, history and retiring follow from this.
pub trait Resource:
    Decider<State = Self, Rejection = ResourceRejection> + Serialize + Default + Clone + std::fmt::Debug
{
    /// What it is called.
    const KIND: Kind;

    /// Its id, where there is, or was, such a thing.
    fn id(&self) -> Option<Uuid>;

    /// Whether there is, or was, such a thing.
    fn exists(&self) -> bool {
        self.id().is_some()
    }

    /// Whether it is out of use: lists leave it out.
    fn is_retired(&self) -> bool;

    /// The order that takes it out of use.
    fn retire(at: Timestamp) -> Self::Command;

    /// Its code, by which people name it.
    fn code(&self) -> Option<String> {
        None
    }

    /// What it belongs to.
    fn parent(&self) -> Option<Uuid> {
        None
    }
}

/// The life of a plain resource with these facts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Lifecycle<F> {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It is in use.
    Live(F),
    /// It is out of use.
    Retired(F),
}

impl<F> Lifecycle<F> {
    /// The facts, in use or not.
    pub fn facts(&self) -> Option<&F> {
        match self {
            Self::Absent => None,
            Self::Live(facts) | Self::Retired(facts) => Some(facts),
        }
    }

    /// The facts of what is in use; orders to anything else are refused.
    pub fn live(&self, kind: Kind) -> Result<&F, ResourceRejection> {
        match self {
            Self::Absent => Err(ResourceRejection::NotFound(kind)),
            Self::Retired(_) => Err(ResourceRejection::Retired(kind)),
            Self::Live(facts) => Ok(facts),
        }
    }

    /// Whether it is out of use.
    pub fn is_retired(&self) -> bool {
        matches!(self, Self::Retired(_))
    }

    /// What a resource out of use keeps is what it was.
    #[must_use]
    pub fn into_retired(self) -> Self {
        match self {
            Self::Live(facts) => Self::Retired(facts),
            state => state,
        }
    }
}

/// Why an order to a resource is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceRejection {
    /// There is no such thing.
    #[error("there is no such {}", .0.noun)]
    NotFound(Kind),
    /// The id is taken.
    #[error("this {} exists already", .0.noun)]
    AlreadyExists(Kind),
    /// It is out of use.
    #[error("this {} is retired", .0.noun)]
    Retired(Kind),
    /// It stands in a way that does not allow it.
    #[error("{detail}")]
    Conflict {
        /// A stable code.
        code: &'static str,
        /// What stands in the way, and what to do.
        detail: &'static str,
    },
    /// Whoever orders it has not proven who it is.
    #[error("{detail}")]
    NotAuthenticated {
        /// A stable code.
        code: &'static str,
        /// What to do.
        detail: &'static str,
    },
    /// A field is outside what makes sense.
    #[error("{field}: {detail}")]
    Field {
        /// Its name, as in the request.
        field: &'static str,
        /// A stable code.
        code: &'static str,
        /// What would be right.
        detail: String,
    },
}

impl ResourceRejection {
    /// A field that says too much or too little.
    pub fn out_of_range(field: &'static str, detail: impl Into<String>) -> Self {
        let (code, detail) = ("OUT_OF_RANGE", detail.into());
        Self::Field { field, code, detail }
    }
}
