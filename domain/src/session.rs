//! A browser that an operator signed in with: from the password on, until it is ended, by whom and why.
//!
//! Whether it was idle for too long is for the server to say, which alone knows when it was last seen.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decider, Kind, Resource, ResourceRejection,
    values::{OperatorId, Sealed, SessionId, Timestamp},
};

/// How far a log-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The password was right; the second factor is asked for.
    Password,
    /// There is no second factor yet: one may be enrolled, and nothing else.
    Enroll,
    /// Everything that the role may do.
    Full,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its operator signed out.
    SignedOut,
    /// Nobody used it for too long.
    Idle,
    /// Its time was over.
    Expired,
    /// Its operator or a colleague ended it from elsewhere.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// Its operator was disabled, or lost the second factor.
    OperatorChanged,
}

/// A session's situation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Session {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It was begun.
    Begun(Box<BegunSession>),
}

/// A session's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BegunSession {
    /// How it was begun.
    pub begun: SessionBegun,
    /// How far it has come.
    pub level: Level,
    /// When the password was last asked for.
    pub authenticated_at: Timestamp,
    /// When it was ended, by whom and why.
    pub ended: Option<SessionEnded>,
}

impl Session {
    /// The facts.
    pub fn facts(&self) -> Option<&BegunSession> {
        match self {
            Self::Absent => None,
            Self::Begun(session) => Some(session),
        }
    }

    /// The facts of a session that opens something at a moment.
    pub fn live(&self, now: Timestamp) -> Option<&BegunSession> {
        self.facts()
            .filter(|session| session.ended.is_none() && now < session.begun.ends_at)
    }
}

/// An order to a session.
#[derive(Debug, Clone)]
pub enum SessionCommand {
    /// Begins it, once a password was right.
    Begin(Box<SessionBegun>),
    /// The second factor was right; the token is another one from now on.
    Elevate {
        /// When it was ordered.
        at: Timestamp,
    },
    /// The password was asked for again, and was right.
    Reauthenticate {
        /// When it was ordered.
        at: Timestamp,
    },
    /// Ends it.
    End(SessionEnded),
}

crate::events! {
    /// What is recorded of a session.
    pub enum SessionEvent {
        /// It was begun.
        Begun(SessionBegun) = ("session.begun", 1),
        /// It opens everything from now on.
        Elevated(SessionElevated) = ("session.elevated", 1),
        /// The password was given again.
        Reauthenticated(SessionReauthenticated) = ("session.reauthenticated", 1),
        /// It was ended.
        Ended(SessionEnded) = ("session.ended", 1),
    }
}

/// A session was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionBegun {
    /// Its id.
    pub session_id: SessionId,
    /// Whose it is.
    pub operator_id: OperatorId,
    /// How far it has come.
    pub level: Level,
    /// Where it was begun, sealed: address and browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Sealed>,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A session opens everything from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionElevated {
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// The password was given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionReauthenticated {
    /// When, by the server's clock.
    pub at: Timestamp,
}

/// A session was ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// What ended it.
    pub reason: EndReason,
    /// By whom, where it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
    /// When, by the server's clock.
    pub at: Timestamp,
}

impl Decider for Session {
    const TYPE: &'static str = Self::KIND.name;
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = SessionCommand;
    type Event = SessionEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: SessionCommand) -> Result<Vec<SessionEvent>, ResourceRejection> {
        let session = match (state, command) {
            (Self::Absent, SessionCommand::Begin(begun)) => return Ok(vec![SessionEvent::Begun(*begun)]),
            (Self::Begun(_), SessionCommand::Begin(_)) => return Err(ResourceRejection::AlreadyExists(Self::KIND)),
            (Self::Absent, _) => return Err(ResourceRejection::NotFound(Self::KIND)),
            (Self::Begun(session), command) => (session, command),
        };
        Ok(match session {
            // What is over stays over, and is ended once.
            (session, SessionCommand::End(_)) if session.ended.is_some() => vec![],
            (_, SessionCommand::End(ended)) => vec![SessionEvent::Ended(ended)],
            (session, SessionCommand::Elevate { at }) => {
                open(session, at)?;
                if session.level == Level::Full {
                    return Err(ResourceRejection::Conflict {
                        code: "SESSION_ELEVATED",
                        detail: "this session has its second factor already",
                    });
                }
                vec![SessionEvent::Elevated(SessionElevated { at })]
            }
            (session, SessionCommand::Reauthenticate { at }) => {
                open(session, at)?;
                vec![SessionEvent::Reauthenticated(SessionReauthenticated { at })]
            }
            (_, SessionCommand::Begin(_)) => return Err(ResourceRejection::AlreadyExists(Self::KIND)),
        })
    }

    fn evolve(state: Self, event: &SessionEvent) -> Self {
        if let SessionEvent::Begun(begun) = event {
            return Self::Begun(Box::new(BegunSession {
                level: begun.level,
                authenticated_at: begun.at,
                ended: None,
                begun: begun.clone(),
            }));
        }
        let Self::Begun(mut session) = state else {
            return state;
        };
        match event {
            SessionEvent::Begun(_) => {}
            SessionEvent::Elevated(_) => session.level = Level::Full,
            SessionEvent::Reauthenticated(event) => session.authenticated_at = event.at,
            SessionEvent::Ended(event) => session.ended = Some(event.clone()),
        }
        Self::Begun(session)
    }

    fn weight(_: &Self) -> usize {
        800
    }
}

/// A session that is over does nothing more.
fn open(session: &BegunSession, now: Timestamp) -> Result<(), ResourceRejection> {
    if session.ended.is_none() && now < session.begun.ends_at {
        return Ok(());
    }
    Err(ResourceRejection::Conflict {
        code: "SESSION_ENDED",
        detail: "this session has ended; sign in again",
    })
}

impl Resource for Session {
    const KIND: Kind = Kind::new("session", "session", "sessions");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.begun.session_id.0)
    }

    fn is_retired(&self) -> bool {
        self.facts().is_some_and(|session| session.ended.is_some())
    }

    fn retire(at: Timestamp) -> SessionCommand {
        SessionCommand::End(SessionEnded {
            reason: EndReason::Revoked,
            by: None,
            at,
        })
    }

    fn parent(&self) -> Option<Uuid> {
        Some(self.facts()?.begun.operator_id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
    }

    fn begin() -> SessionCommand {
        SessionCommand::Begin(Box::new(SessionBegun {
            session_id: SessionId(Uuid::from_u128(1)),
            operator_id: OperatorId(Uuid::from_u128(2)),
            level: Level::Password,
            client: None,
            ends_at: at(100),
            at: at(0),
        }))
    }

    fn end(reason: EndReason) -> SessionCommand {
        SessionCommand::End(SessionEnded {
            reason,
            by: None,
            at: at(50),
        })
    }

    #[test]
    fn a_session_is_begun_elevated_and_ended_once() {
        let begun = given::<Session>([]).when(begin()).then_events();
        given::<Session>(begun.clone())
            .when(begin())
            .then_rejected(&ResourceRejection::AlreadyExists(Session::KIND));
        let elevated = given::<Session>(begun.clone())
            .when(SessionCommand::Elevate { at: at(1) })
            .then_events();
        let full = [begun.clone(), elevated].concat();
        let again = ResourceRejection::Conflict {
            code: "SESSION_ELEVATED",
            detail: "this session has its second factor already",
        };
        given::<Session>(full.clone())
            .when(SessionCommand::Elevate { at: at(2) })
            .then_rejected(&again);
        let ended = given::<Session>(full.clone())
            .when(end(EndReason::SignedOut))
            .then_events();
        let over = [full, ended].concat();
        given::<Session>(over.clone()).when(end(EndReason::Idle)).then_nothing();
        let refused = ResourceRejection::Conflict {
            code: "SESSION_ENDED",
            detail: "this session has ended; sign in again",
        };
        given::<Session>(over)
            .when(SessionCommand::Reauthenticate { at: at(60) })
            .then_rejected(&refused);
        given::<Session>(begun)
            .when(SessionCommand::Elevate { at: at(100) })
            .then_rejected(&refused);
        given::<Session>([])
            .when(end(EndReason::Idle))
            .then_rejected(&ResourceRejection::NotFound(Session::KIND));
    }

    #[test]
    fn what_is_over_opens_nothing() {
        let state = |events: &[SessionEvent]| events.iter().fold(Session::default(), Session::evolve);
        let begun = given::<Session>([]).when(begin()).then_events();
        assert!(state(&begun).live(at(99)).is_some());
        assert!(state(&begun).live(at(100)).is_none(), "its time is over");
        let again = given::<Session>(begun.clone())
            .when(SessionCommand::Reauthenticate { at: at(9) })
            .then_events();
        let facts = state(&[begun.clone(), again].concat());
        assert_eq!(facts.facts().map(|session| session.authenticated_at), Some(at(9)));
        let ended = given::<Session>(begun.clone())
            .when(end(EndReason::Revoked))
            .then_events();
        assert!(state(&[begun, ended].concat()).live(at(60)).is_none());
    }
}
