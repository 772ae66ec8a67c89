//! The rules of a policy.

use super::{
    command::PolicyCommand,
    event::{PolicyCreated, PolicyEdited, PolicyEvent, PolicyRetired},
    state::Policy,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Policy {
    const TYPE: &'static str = "policy";
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = PolicyCommand;
    type Event = PolicyEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: PolicyCommand) -> Result<Vec<PolicyEvent>, ResourceRejection> {
        use PolicyCommand::{Create, Edit, Retire};
        match (state, command) {
            (
                Self::Absent,
                Create {
                    id,
                    code,
                    product_id,
                    terms,
                    at,
                },
            ) => {
                terms.check()?;
                Ok(vec![PolicyEvent::Created(PolicyCreated {
                    policy_id: id,
                    code,
                    product_id,
                    terms,
                    at,
                })])
            }
            (Self::Live(_) | Self::Retired(_), Create { .. }) => Err(ResourceRejection::AlreadyExists(Policy::KIND)),
            (Self::Absent, Edit { .. } | Retire { .. }) => Err(ResourceRejection::NotFound(Policy::KIND)),
            (Self::Live(policy), Edit { terms, at }) => {
                terms.check()?;
                let changed = *policy.terms != terms;
                let event = PolicyEvent::Edited(PolicyEdited {
                    version: policy.version + 1,
                    terms,
                    at,
                });
                Ok(changed.then_some(event).into_iter().collect())
            }
            (Self::Live(_), Retire { at }) => Ok(vec![PolicyEvent::Retired(PolicyRetired { at })]),
            (Self::Retired(_), Retire { .. }) => Ok(vec![]),
            (Self::Retired(_), Edit { .. }) => Err(ResourceRejection::Retired(Policy::KIND)),
        }
    }

    fn evolve(state: Self, event: &PolicyEvent) -> Self {
        state.apply(event)
    }

    fn weight(state: &Self) -> usize {
        600 + state.facts().map_or(0, |policy| {
            64 * (policy.terms.features.len() + policy.terms.limits.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        policy::Terms,
        testing::given,
        values::{Code, PolicyId, ProductId, Timestamp},
    };

    fn at() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
    fn create(terms: Terms) -> PolicyCommand {
        PolicyCommand::Create {
            id: PolicyId(Uuid::nil()),
            code: Code::parse("pro").unwrap(),
            product_id: ProductId(Uuid::nil()),
            terms,
            at: at(),
        }
    }
    fn created() -> PolicyEvent {
        given::<Policy>([])
            .when(create(Terms::with_seats(3)))
            .then_events()
            .remove(0)
    }

    #[test]
    fn terms_without_a_seat_are_refused() {
        let rejection = ResourceRejection::out_of_range("seats", "this must be 1 to 1,000,000");
        given::<Policy>([])
            .when(create(Terms::with_seats(0)))
            .then_rejected(&rejection);
        given::<Policy>([created()])
            .when(PolicyCommand::Edit {
                terms: Terms::with_seats(0),
                at: at(),
            })
            .then_rejected(&rejection);
    }

    #[test]
    fn an_edit_makes_the_next_version_and_repeating_it_nothing() {
        let edit = || PolicyCommand::Edit {
            terms: Terms::with_seats(5),
            at: at(),
        };
        let edited = given::<Policy>([created()]).when(edit()).then_events().remove(0);
        assert!(matches!(&edited, PolicyEvent::Edited(event) if event.version == 2));
        given::<Policy>([created(), edited]).when(edit()).then_nothing();
    }

    #[test]
    fn a_retired_policy_cannot_be_edited() {
        let retired = PolicyEvent::Retired(PolicyRetired { at: at() });
        given::<Policy>([created(), retired.clone()])
            .when(PolicyCommand::Edit {
                terms: Terms::with_seats(5),
                at: at(),
            })
            .then_rejected(&ResourceRejection::Retired(Policy::KIND));
        given::<Policy>([created(), retired])
            .when(PolicyCommand::Retire { at: at() })
            .then_nothing();
    }
}
