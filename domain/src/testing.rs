//! Given these events, when this is ordered, then that happens.

use crate::{Decider, EventData};

pub(crate) fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(
        history
            .into_iter()
            .fold(D::State::default(), |state, event| D::evolve(state, &event)),
    )
}

pub(crate) struct Given<D: Decider>(D::State);

impl<D: Decider> Given<D> {
    pub(crate) fn when(self, command: D::Command) -> Outcome<D> {
        Outcome(D::decide(&self.0, command))
    }
}

pub(crate) struct Outcome<D: Decider>(Result<Vec<D::Event>, D::Rejection>);

impl<D: Decider> Outcome<D>
where
    D::Rejection: PartialEq,
{
    /// The recorded events; each must also survive being stored.
    pub(crate) fn then_events(self) -> Vec<D::Event> {
        let events = self.0.expect("the command is accepted");
        assert!(!events.is_empty(), "the command records something");
        for event in &events {
            assert_eq!(
                D::Event::decode(event.event_type(), &event.encode()).as_ref(),
                Ok(event)
            );
        }
        events
    }

    pub(crate) fn then_nothing(self) {
        assert_eq!(self.0.expect("the command is accepted"), vec![]);
    }

    pub(crate) fn then_rejected(self, rejection: &D::Rejection) {
        assert_eq!(self.0.expect_err("the command is refused"), *rejection);
    }
}
