//! The rules of a customer.

use super::{
    command::CustomerCommand,
    event::{CustomerCreated, CustomerEdited, CustomerEvent, CustomerForgotten, CustomerRetired},
    state::Customer,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Customer {
    const TYPE: &'static str = "customer";
    const STATE_SCHEMA: i32 = 2;
    type State = Self;
    type Command = CustomerCommand;
    type Event = CustomerEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: CustomerCommand) -> Result<Vec<CustomerEvent>, ResourceRejection> {
        use CustomerCommand::{Create, Edit, Forget, Retire};
        match (state, command) {
            (Self::Absent, Create { id, person, at }) => Ok(vec![CustomerEvent::Created(CustomerCreated {
                customer_id: id,
                person,
                at,
            })]),
            (Self::Live(_) | Self::Retired(_), Create { .. }) => Err(ResourceRejection::AlreadyExists(Customer::KIND)),
            (Self::Absent, Edit { .. } | Retire { .. } | Forget { .. }) => {
                Err(ResourceRejection::NotFound(Customer::KIND))
            }
            (Self::Live(customer), Edit { person, at }) => {
                let changed = customer.person != person;
                let event = CustomerEvent::Edited(CustomerEdited { person, at });
                Ok(changed.then_some(event).into_iter().collect())
            }
            (Self::Live(_), Retire { at }) => Ok(vec![CustomerEvent::Retired(CustomerRetired { at })]),
            (Self::Retired(_), Retire { .. }) => Ok(vec![]),
            (Self::Retired(customer), Forget { .. }) if customer.forgotten => Ok(vec![]),
            (Self::Live(_) | Self::Retired(_), Forget { at }) => {
                Ok(vec![CustomerEvent::Forgotten(CustomerForgotten { at })])
            }
            (Self::Retired(_), Edit { .. }) => Err(ResourceRejection::Retired(Customer::KIND)),
        }
    }

    fn evolve(state: Self, event: &CustomerEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        800
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        customer::Person,
        testing::given,
        values::{CustomerId, Sealed, Timestamp},
    };

    fn at() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
    fn person(name: &str) -> Person {
        Person {
            name: Sealed(name.to_owned()),
            email: Sealed("mail".to_owned()),
            company: None,
        }
    }
    fn create() -> CustomerCommand {
        CustomerCommand::Create {
            id: CustomerId(Uuid::nil()),
            person: person("a"),
            at: at(),
        }
    }
    fn created() -> CustomerEvent {
        given::<Customer>([]).when(create()).then_events().remove(0)
    }

    #[test]
    fn a_customer_is_created_once_and_edited_only_by_a_change() {
        given::<Customer>([created()])
            .when(create())
            .then_rejected(&ResourceRejection::AlreadyExists(Customer::KIND));
        given::<Customer>([created()])
            .when(CustomerCommand::Edit {
                person: person("a"),
                at: at(),
            })
            .then_nothing();
        given::<Customer>([created()])
            .when(CustomerCommand::Edit {
                person: person("b"),
                at: at(),
            })
            .then_events();
    }

    #[test]
    fn a_retired_customer_stays_as_it_is() {
        let retired = given::<Customer>([created()])
            .when(CustomerCommand::Retire { at: at() })
            .then_events()
            .remove(0);
        given::<Customer>([created(), retired.clone()])
            .when(CustomerCommand::Retire { at: at() })
            .then_nothing();
        given::<Customer>([created(), retired])
            .when(CustomerCommand::Edit {
                person: person("b"),
                at: at(),
            })
            .then_rejected(&ResourceRejection::Retired(Customer::KIND));
        given::<Customer>([])
            .when(CustomerCommand::Retire { at: at() })
            .then_rejected(&ResourceRejection::NotFound(Customer::KIND));
    }

    #[test]
    fn a_customer_is_forgotten_once_in_use_or_not() {
        let forget = || CustomerCommand::Forget { at: at() };
        let forgotten = given::<Customer>([created()]).when(forget()).then_events().remove(0);
        let retired = CustomerEvent::Retired(CustomerRetired { at: at() });
        given::<Customer>([created(), retired]).when(forget()).then_events();
        let given_forgotten = || given::<Customer>([created(), forgotten.clone()]);
        given_forgotten().when(forget()).then_nothing();
        given_forgotten()
            .when(CustomerCommand::Retire { at: at() })
            .then_nothing();
        given_forgotten()
            .when(CustomerCommand::Edit {
                person: person("b"),
                at: at(),
            })
            .then_rejected(&ResourceRejection::Retired(Customer::KIND));
        given::<Customer>([])
            .when(forget())
            .then_rejected(&ResourceRejection::NotFound(Customer::KIND));
    }
}
