//! A word that operators stick to things, so as to find them again.
//!
//! A plain resource, whole in one file: its life is [`Lifecycle`], its refusals are [`ResourceRejection`].

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decider, Kind, Lifecycle, Resource, ResourceRejection,
    values::{Text, Timestamp, ValueError},
};

crate::values::ids! {
    /// A word that operators stick to things.
    TagId,
}

/// How a tag is painted: `#rrggbb`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Color(String);

impl Color {
    /// A quiet gray, for who chose none.
    pub fn gray() -> Self {
        Self("#6b7280".to_owned())
    }

    /// Reads a color: six hexadecimal digits after a `#`.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let color = text.trim().to_ascii_lowercase();
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(color));
        }
        Err(ValueError {
            code: "COLOR_INVALID",
            detail: "a color is # and six hexadecimal digits, such as #0ea5e9".to_owned(),
        })
    }

    /// The color's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A tag's life.
pub type Tag = Lifecycle<LiveTag>;

/// A tag's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveTag {
    /// Its id.
    pub id: TagId,
    /// The word; unique among the tags in use, whatever its case.
    pub name: Text<50>,
    /// How it is painted.
    pub color: Color,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An order to a tag.
#[derive(Debug, Clone)]
pub enum TagCommand {
    /// Makes it; its name is claimed in the same submission.
    Create(TagCreated),
    /// Changes it; the claim moves with the name.
    Edit(TagEdited),
    /// Takes it out of use; its name is free again.
    Retire(TagRetired),
}

crate::events! {
    /// What is recorded of a tag.
    pub enum TagEvent {
        /// It was made.
        Created(TagCreated) = ("tag.created", 1),
        /// It was changed.
        Edited(TagEdited) = ("tag.edited", 1),
        /// It was taken out of use.
        Retired(TagRetired) = ("tag.retired", 1),
    }
}

/// A tag was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagCreated {
    /// Its id.
    pub tag_id: TagId,
    /// The word.
    pub name: Text<50>,
    /// How it is painted.
    pub color: Color,
    /// The moment.
    pub at: Timestamp,
}

/// A tag was changed; the fields are as they stand from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagEdited {
    /// The word.
    pub name: Text<50>,
    /// How it is painted.
    pub color: Color,
    /// The moment.
    pub at: Timestamp,
}

/// A tag was taken out of use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagRetired {
    /// The moment.
    pub at: Timestamp,
}

impl Decider for Tag {
    const TYPE: &'static str = Self::KIND.name;
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = TagCommand;
    type Event = TagEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: TagCommand) -> Result<Vec<TagEvent>, ResourceRejection> {
        match (state, command) {
            (Self::Absent, TagCommand::Create(tag)) => Ok(vec![TagEvent::Created(tag)]),
            (_, TagCommand::Create(_)) => Err(ResourceRejection::AlreadyExists(Self::KIND)),
            (state, TagCommand::Edit(edited)) => {
                let tag = state.live(Self::KIND)?;
                let same = tag.name == edited.name && tag.color == edited.color;
                Ok((!same).then_some(TagEvent::Edited(edited)).into_iter().collect())
            }
            (Self::Retired(_), TagCommand::Retire(_)) => Ok(vec![]),
            (state, TagCommand::Retire(retired)) => state.live(Self::KIND).map(|_| vec![TagEvent::Retired(retired)]),
        }
    }

    fn evolve(state: Self, event: &TagEvent) -> Self {
        match (state, event) {
            (_, TagEvent::Created(event)) => Self::Live(LiveTag {
                id: event.tag_id,
                name: event.name.clone(),
                color: event.color.clone(),
                created_at: event.at,
            }),
            (Self::Live(tag), TagEvent::Edited(event)) => Self::Live(LiveTag {
                name: event.name.clone(),
                color: event.color.clone(),
                ..tag
            }),
            (state, TagEvent::Retired(_)) => state.into_retired(),
            (state, TagEvent::Edited(_)) => state,
        }
    }

    fn weight(_: &Self) -> usize {
        300
    }
}

impl Resource for Tag {
    const KIND: Kind = Kind::new("tag", "tag", "tags");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        Lifecycle::is_retired(self)
    }

    fn retire(at: Timestamp) -> TagCommand {
        TagCommand::Retire(TagRetired { at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn at() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn create() -> TagCommand {
        TagCommand::Create(TagCreated {
            tag_id: TagId(Uuid::nil()),
            name: Text::parse("VIP").unwrap(),
            color: Color::gray(),
            at: at(),
        })
    }

    fn edit(name: &str, color: &str) -> TagCommand {
        let (name, color) = (Text::parse(name).unwrap(), Color::parse(color).unwrap());
        let at = at();
        TagCommand::Edit(TagEdited { name, color, at })
    }

    #[test]
    fn a_tag_is_made_once_changed_by_a_change_and_retired_once() {
        let created = given::<Tag>([]).when(create()).then_events().remove(0);
        let history = || [created.clone()];
        let twice = ResourceRejection::AlreadyExists(Tag::KIND);
        given::<Tag>(history()).when(create()).then_rejected(&twice);
        given::<Tag>(history()).when(edit("VIP", "#6B7280")).then_nothing();
        given::<Tag>(history()).when(edit("vip", "#6b7280")).then_events();
        let retired = given::<Tag>(history()).when(Tag::retire(at())).then_events().remove(0);
        let ended = || [created.clone(), retired.clone()];
        given::<Tag>(ended()).when(Tag::retire(at())).then_nothing();
        let refused = ResourceRejection::Retired(Tag::KIND);
        given::<Tag>(ended()).when(edit("x", "#000000")).then_rejected(&refused);
        let missing = ResourceRejection::NotFound(Tag::KIND);
        given::<Tag>([]).when(Tag::retire(at())).then_rejected(&missing);
    }

    #[test]
    fn colors_are_six_digits() {
        assert_eq!(Color::parse(" #0EA5E9 ").unwrap().as_str(), "#0ea5e9");
        for text in ["", "#", "0ea5e9", "#0ea5e", "#0ea5e9f", "#0ea5ég", "red"] {
            assert_eq!(Color::parse(text).unwrap_err().code, "COLOR_INVALID", "{text:?}");
        }
    }
}
