//! The rules of an API key.

use super::{
    command::ApiKeyCommand,
    event::{ApiKeyEvent, ApiKeyRevoked, ApiKeySuperseded},
    state::ApiKey,
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for ApiKey {
    const TYPE: &'static str = "api_key";
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: ApiKeyCommand) -> Result<Vec<ApiKeyEvent>, ResourceRejection> {
        match (state, command) {
            (Self::Absent, ApiKeyCommand::Create(key)) => {
                if key.scopes.is_empty() {
                    return Err(no_scope());
                }
                if key.expires_at.is_some_and(|end| end <= key.at) {
                    return Err(expires_in_the_past());
                }
                Ok(vec![ApiKeyEvent::Created(key)])
            }
            (Self::Issued(_), ApiKeyCommand::Create(_)) => Err(ResourceRejection::AlreadyExists(ApiKey::KIND)),
            (Self::Absent, ApiKeyCommand::Revoke { .. } | ApiKeyCommand::Supersede { .. }) => {
                Err(ResourceRejection::NotFound(ApiKey::KIND))
            }
            (Self::Issued(key), ApiKeyCommand::Supersede { by, expires_at, at }) => {
                if !key.is_live(at) {
                    return Err(ended());
                }
                let expires_at = key.created.expires_at.map_or(expires_at, |end| end.min(expires_at));
                Ok(vec![ApiKeyEvent::Superseded(ApiKeySuperseded { by, expires_at, at })])
            }
            (Self::Issued(key), ApiKeyCommand::Revoke { at }) => {
                let event = ApiKeyEvent::Revoked(ApiKeyRevoked { at });
                Ok(key.revoked_at.is_none().then_some(event).into_iter().collect())
            }
        }
    }

    fn evolve(state: Self, event: &ApiKeyEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        400
    }
}

/// It would be good for nothing.
fn no_scope() -> ResourceRejection {
    let detail = "an API key needs at least one scope".to_owned();
    ResourceRejection::Field {
        field: "scopes",
        code: "REQUIRED",
        detail,
    }
}

/// It would have ended before it began.
fn expires_in_the_past() -> ResourceRejection {
    ResourceRejection::out_of_range("expires_at", "expires_at must lie in the future")
}

/// It opens nothing any more.
fn ended() -> ResourceRejection {
    let (code, detail) = ("API_KEY_ENDED", "the API key has ended; make a new one");
    ResourceRejection::Conflict { code, detail }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        api_key::{ApiKeyCreated, Scope},
        testing::given,
        values::{ApiKeyId, Text, Timestamp},
    };

    fn created(scopes: Vec<Scope>, expires_at: Option<i64>) -> ApiKeyCreated {
        ApiKeyCreated {
            api_key_id: ApiKeyId(Uuid::nil()),
            name: Text::parse("build server").unwrap(),
            scopes,
            prefix: "lk_abcd".to_owned(),
            expires_at: expires_at.map(Timestamp::from_millis),
            at: Timestamp::from_millis(1_000),
        }
    }

    #[test]
    fn a_key_needs_a_scope_and_a_future() {
        given::<ApiKey>([])
            .when(ApiKeyCommand::Create(created(vec![], None)))
            .then_rejected(&no_scope());
        given::<ApiKey>([])
            .when(ApiKeyCommand::Create(created(vec![Scope::Client], Some(1_000))))
            .then_rejected(&expires_in_the_past());
    }

    #[test]
    fn a_key_that_is_superseded_lives_on_for_a_while_and_never_longer_than_before() {
        let supersede = |end: i64| ApiKeyCommand::Supersede {
            by: ApiKeyId(Uuid::max()),
            expires_at: Timestamp::from_millis(end),
            at: Timestamp::from_millis(2_000),
        };
        let end = |events: &[ApiKeyEvent]| match events {
            [ApiKeyEvent::Superseded(event)] => event.expires_at.millis(),
            other => panic!("{other:?}"),
        };
        let event = given::<ApiKey>([])
            .when(ApiKeyCommand::Create(created(vec![Scope::Client], Some(5_000))))
            .then_events()
            .remove(0);
        assert_eq!(
            end(&given::<ApiKey>([event.clone()]).when(supersede(4_000)).then_events()),
            4_000
        );
        assert_eq!(
            end(&given::<ApiKey>([event.clone()]).when(supersede(9_000)).then_events()),
            5_000
        );
        let revoked = ApiKeyEvent::Revoked(ApiKeyRevoked {
            at: Timestamp::from_millis(1_500),
        });
        given::<ApiKey>([event, revoked])
            .when(supersede(4_000))
            .then_rejected(&ended());
    }

    #[test]
    fn a_key_dies_by_time_or_by_hand_and_is_revoked_once() {
        let event = given::<ApiKey>([])
            .when(ApiKeyCommand::Create(created(vec![Scope::Client], Some(5_000))))
            .then_events()
            .remove(0);
        let state = ApiKey::evolve(ApiKey::Absent, &event);
        assert!(state.facts().unwrap().is_live(Timestamp::from_millis(4_999)));
        assert!(!state.facts().unwrap().is_live(Timestamp::from_millis(5_000)));
        let revoke = || ApiKeyCommand::Revoke {
            at: Timestamp::from_millis(2_000),
        };
        let revoked = given::<ApiKey>([event.clone()]).when(revoke()).then_events().remove(0);
        given::<ApiKey>([event, revoked]).when(revoke()).then_nothing();
        given::<ApiKey>([])
            .when(revoke())
            .then_rejected(&ResourceRejection::NotFound(ApiKey::KIND));
    }
}
