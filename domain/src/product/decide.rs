//! The rules of a product.

use super::{
    command::ProductCommand,
    event::{
        ProductCreated, ProductEdited, ProductEvent, ProductMinimumVersionRaised, ProductMinimumVersionSet,
        ProductRetired,
    },
    state::Product,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Product {
    const TYPE: &'static str = "product";
    const STATE_SCHEMA: i32 = 2;
    type State = Self;
    type Command = ProductCommand;
    type Event = ProductEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: ProductCommand) -> Result<Vec<ProductEvent>, ResourceRejection> {
        use ProductCommand::{Create, Edit, RaiseMinimumVersion, Retire};
        match (state, command) {
            (
                Self::Absent,
                Create {
                    id,
                    code,
                    name,
                    version_scheme,
                    at,
                },
            ) => Ok(vec![ProductEvent::Created(ProductCreated {
                product_id: id,
                code,
                name,
                version_scheme,
                at,
            })]),
            (Self::Live(_) | Self::Retired(_), Create { .. }) => Err(ResourceRejection::AlreadyExists(Product::KIND)),
            (Self::Absent, Edit { .. } | RaiseMinimumVersion { .. } | Retire { .. }) => {
                Err(ResourceRejection::NotFound(Product::KIND))
            }
            (
                Self::Live(product),
                Edit {
                    name,
                    version_scheme,
                    min_version,
                    at,
                },
            ) => {
                let same = product.name == name && product.version_scheme == version_scheme;
                let edited = ProductEdited {
                    name,
                    version_scheme,
                    at,
                };
                let edited = (!same).then_some(ProductEvent::Edited(edited));
                let set = ProductMinimumVersionSet {
                    version: min_version.clone(),
                    at,
                };
                let set = (product.min_version != min_version).then_some(ProductEvent::MinimumVersionSet(set));
                Ok(edited.into_iter().chain(set).collect())
            }
            (
                Self::Live(product),
                RaiseMinimumVersion {
                    version,
                    release_id,
                    at,
                },
            ) => {
                let present = product.min_version.as_ref();
                let raised = present.is_none_or(|present| version.cmp_precedence(present).is_gt());
                let event = ProductEvent::MinimumVersionRaised(ProductMinimumVersionRaised {
                    version,
                    release_id,
                    at,
                });
                Ok(raised.then_some(event).into_iter().collect())
            }
            (Self::Live(_), Retire { at }) => Ok(vec![ProductEvent::Retired(ProductRetired { at })]),
            // Nobody publishes for a product that is out of use, and a release that was published before may still go on.
            (Self::Retired(_), Retire { .. } | RaiseMinimumVersion { .. }) => Ok(vec![]),
            (Self::Retired(_), Edit { .. }) => Err(ResourceRejection::Retired(Product::KIND)),
        }
    }

    fn evolve(state: Self, event: &ProductEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        400
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        testing::given,
        values::{Code, ProductId, ReleaseId, Text, Timestamp, VersionScheme},
    };

    fn at() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
    fn name(text: &str) -> Text<200> {
        Text::parse(text).unwrap()
    }
    fn create() -> ProductCommand {
        ProductCommand::Create {
            version_scheme: VersionScheme::Semver,
            id: ProductId(Uuid::nil()),
            code: Code::parse("studio").unwrap(),
            name: name("Studio"),
            at: at(),
        }
    }
    fn created() -> ProductEvent {
        given::<Product>([]).when(create()).then_events().remove(0)
    }
    fn retired() -> ProductEvent {
        ProductEvent::Retired(ProductRetired { at: at() })
    }
    fn raise(version: &str) -> ProductCommand {
        ProductCommand::RaiseMinimumVersion {
            version: version.parse().unwrap(),
            release_id: ReleaseId(Uuid::nil()),
            at: at(),
        }
    }

    #[test]
    fn a_product_is_created_once() {
        given::<Product>([created()])
            .when(create())
            .then_rejected(&ResourceRejection::AlreadyExists(Product::KIND));
    }

    #[test]
    fn an_edit_without_a_change_records_nothing() {
        given::<Product>([created()])
            .when(ProductCommand::Edit {
                version_scheme: VersionScheme::Semver,
                name: name("Studio"),
                min_version: None,
                at: at(),
            })
            .then_nothing();
        let events = given::<Product>([created()])
            .when(ProductCommand::Edit {
                version_scheme: VersionScheme::Semver,
                name: name("Atelier"),
                min_version: None,
                at: at(),
            })
            .then_events();
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn the_minimum_version_only_rises() {
        let raised = given::<Product>([created()])
            .when(raise("2.0.0"))
            .then_events()
            .remove(0);
        given::<Product>([created(), raised.clone()])
            .when(raise("2.0.0"))
            .then_nothing();
        given::<Product>([created(), raised])
            .when(raise("1.9.0"))
            .then_nothing();
    }

    #[test]
    fn a_retired_product_cannot_be_edited_and_retires_once() {
        given::<Product>([created(), retired()])
            .when(ProductCommand::Edit {
                version_scheme: VersionScheme::Semver,
                name: name("X"),
                min_version: None,
                at: at(),
            })
            .then_rejected(&ResourceRejection::Retired(Product::KIND));
        given::<Product>([created(), retired()])
            .when(ProductCommand::Retire { at: at() })
            .then_nothing();
        given::<Product>([])
            .when(ProductCommand::Retire { at: at() })
            .then_rejected(&ResourceRejection::NotFound(Product::KIND));
    }

    #[test]
    fn an_operator_sets_lowers_and_lifts_the_minimum_version() {
        let set = |version: Option<&str>| ProductCommand::Edit {
            version_scheme: VersionScheme::Semver,
            name: name("Studio"),
            min_version: version.map(|text| text.parse().unwrap()),
            at: at(),
        };
        let raised = given::<Product>([created()])
            .when(raise("2.0.0"))
            .then_events()
            .remove(0);
        let lowered = given::<Product>([created(), raised.clone()])
            .when(set(Some("1.0.0")))
            .then_events()
            .remove(0);
        let state = [&created(), &raised, &lowered]
            .into_iter()
            .fold(Product::Absent, Product::evolve);
        assert_eq!(state.facts().unwrap().min_version, Some("1.0.0".parse().unwrap()));
        given::<Product>([created(), raised.clone(), lowered.clone()])
            .when(set(Some("1.0.0")))
            .then_nothing();
        assert_eq!(
            given::<Product>([created(), raised, lowered])
                .when(set(None))
                .then_events()
                .len(),
            1
        );
        given::<Product>([retired()])
            .when(set(None))
            .then_rejected(&ResourceRejection::NotFound(Product::KIND));
    }
}
