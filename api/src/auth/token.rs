//! Activation tokens: short-lived JWTs bound to one activation.

use axum::http::StatusCode;
use licet_commands::CommandError;
use licet_domain::{
    license::LicenseRejection,
    values::{ActivationId, LicenseId, Timestamp},
};
use licet_event_store::jws;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// `aud` and `typ` keep these apart from operators' tokens.
const AUDIENCE: &str = "licet-activation";
const TYPE: &str = "licet-activation+jwt";
/// How long a token lives at least; four beats where those take longer.
const SECONDS: i64 = 3_600;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    pub(crate) sub: ActivationId,
    pub(crate) lic: LicenseId,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// Whether half of its life is over.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now.seconds() >= self.iat + (self.exp - self.iat) / 2
    }
}

/// What is wrong with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Not one of ours.
    Invalid,
    /// It has ended; whose it was.
    Expired(Claims),
}

/// Makes a token for a machine with a seat that reports at this interval.
pub(crate) fn issue(
    secret: &str,
    license: LicenseId,
    activation: ActivationId,
    interval_seconds: u32,
    now: Timestamp,
) -> (String, Timestamp) {
    let end = now.plus_seconds(SECONDS.max(4 * i64::from(interval_seconds)));
    let claims = Claims {
        iss: "licet".to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: activation,
        lic: license,
        iat: now.seconds(),
        exp: end.seconds(),
    };
    (jws::sign_with_secret(TYPE, &claims, secret.as_bytes()), end)
}

/// Reads a token of ours that still lives.
pub(crate) fn read(secret: &str, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
    let claims: Claims = jws::verify_with_secret(token, TYPE, secret.as_bytes()).ok_or(TokenError::Invalid)?;
    if claims.aud != AUDIENCE {
        return Err(TokenError::Invalid);
    }
    if now.seconds() >= claims.exp {
        return Err(TokenError::Expired(claims));
    }
    Ok(claims)
}

/// A token outlives its activation by nothing.
pub(crate) fn refused(error: CommandError) -> Problem {
    match error {
        CommandError::License(LicenseRejection::ActivationNotActive(_)) => {
            let detail = "The activation of this token was ended: activate again.";
            Problem::new(StatusCode::UNAUTHORIZED, "TOKEN_REVOKED", detail)
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_lives_for_its_time_and_for_its_secret() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let (token, end) = issue("secret", LicenseId(Uuid::max()), ActivationId(Uuid::nil()), 900, now);
        let claims = read("secret", &token, now).unwrap();
        assert_eq!(claims.sub, ActivationId(Uuid::nil()));
        assert_eq!(read("secret", &token, end).unwrap_err(), TokenError::Expired(claims));
        assert_eq!(read("other", &token, now).unwrap_err(), TokenError::Invalid);
        assert_eq!(read("secret", "a.b.c", now).unwrap_err(), TokenError::Invalid);
    }
}
