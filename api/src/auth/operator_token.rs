//! Short-lived JWTs of signed-in operators, for their scripts: each lives no longer than the session that it was made in.

use licet_domain::values::{OperatorId, SessionId, Timestamp};
use licet_event_store::jws;
use serde::{Deserialize, Serialize};

/// `aud` and `typ` keep these apart from activations' tokens.
const AUDIENCE: &str = "licet-operator";
const TYPE: &str = "licet-operator+jwt";
/// How long a token lives at most.
const SECONDS: i64 = 900;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    pub(crate) sub: OperatorId,
    pub(crate) sid: SessionId,
    iat: i64,
    pub(crate) exp: i64,
}

/// Makes a token in a session that ends at `session_ends_at`.
pub(crate) fn issue(
    secret: &str,
    operator: OperatorId,
    session: SessionId,
    session_ends_at: Timestamp,
    now: Timestamp,
) -> (String, Timestamp) {
    let end = now.plus_seconds(SECONDS).min(session_ends_at);
    let claims = Claims {
        iss: "licet".to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: operator,
        sid: session,
        iat: now.seconds(),
        exp: end.seconds(),
    };
    (jws::sign_with_secret(TYPE, &claims, secret.as_bytes()), end)
}

/// Reads a token of ours, whether or not it still lives.
pub(crate) fn read(secret: &str, token: &str) -> Option<Claims> {
    let claims: Claims = jws::verify_with_secret(token, TYPE, secret.as_bytes())?;
    (claims.aud == AUDIENCE).then_some(claims)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_lives_a_quarter_of_an_hour_and_no_longer_than_its_session() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (operator, session) = (OperatorId(Uuid::max()), SessionId(Uuid::nil()));
        let (token, end) = issue("secret", operator, session, now.plus_seconds(9_000), now);
        assert_eq!(end, now.plus_seconds(900));
        assert_eq!(read("secret", &token).map(|claims| claims.sub), Some(operator));
        assert_eq!(read("other", &token), None);
        let (_, end) = issue("secret", operator, session, now.plus_seconds(60), now);
        assert_eq!(end, now.plus_seconds(60));
    }
}
