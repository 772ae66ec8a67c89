//! The one place where refusals and failures become answers.
//!
//! Clients branch on `code`. Causes inside the server are logged here, once, and never sent.

use std::borrow::Cow;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use licet_commands::{CommandError, FieldError};
use licet_contracts::FieldProblem;
use licet_domain::{
    Kind, ResourceRejection,
    license::{License, LicenseRejection},
    permission::{Permission, Role},
};
use licet_event_store::{backup::BackupError, vault::VaultError};
use licet_projections::WaitError;
use serde_json::{Map, Value};

/// A machine's hold on a seat.
pub(crate) const ACTIVATION: Kind = Kind::new("activation", "activation", "activations");
/// An event on its way to a webhook.
pub(crate) const DELIVERY: Kind = Kind::new("delivery", "delivery", "deliveries");
/// A read model as it stood.
pub(crate) const REPLAY: Kind = Kind::new("replay", "replay", "replays");
/// A backup in the store.
pub(crate) const BACKUP: Kind = Kind::new("backup", "backup", "backups");
/// Making a backup, or trying one.
pub(crate) const BACKUP_RUN: Kind = Kind::new("backup_run", "run of a backup", "backups/runs");
/// A mail on its way to a customer.
pub(crate) const MAIL: Kind = Kind::new("mail", "mail", "mails");

/// A problem before the request's id is known; the envelope adds it and writes the body.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldProblem>,
    pub(crate) facts: Map<String, Value>,
}

pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            facts: Map::new(),
        }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    pub(crate) fn not_found(kind: Kind) -> Self {
        let detail = format!("There is no such {}.", kind.noun);
        Self::new(StatusCode::NOT_FOUND, kind.code("NOT_FOUND"), detail)
    }

    /// What is asked for is no route, or nothing that could be one thing of a collection.
    pub(crate) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "There is nothing at this address; see /api/docs.",
        )
    }

    /// The credential does not suffice; `permission` says for what.
    pub(crate) fn forbidden(permission: Permission) -> Self {
        let (name, scope) = (permission.name(), permission.scope().as_str());
        let detail =
            format!("This credential does not have the permission {name}; API keys with the scope {scope} do.");
        let mut problem = Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail);
        problem.facts.insert("permission".to_owned(), name.into());
        problem
    }

    /// The operator's role does not suffice; `permission` and `roles` say for what, and whose does.
    pub(crate) fn role_forbidden(permission: Permission, role: Role) -> Self {
        let roles: Vec<&str> = permission.roles().iter().map(|role| role.as_str()).collect();
        let (name, role) = (permission.name(), role.as_str());
        let suffice = if roles.is_empty() {
            "no role of operators has it".to_owned()
        } else {
            format!("these do: {}", roles.join(", "))
        };
        let detail = format!("The role {role} does not have the permission {name}; {suffice}.");
        let mut problem = Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail);
        problem.facts.insert("permission".to_owned(), name.into());
        problem.facts.insert("roles".to_owned(), roles.into());
        problem
    }

    /// The password has to be given again.
    pub(crate) fn reauthentication_required() -> Self {
        let detail = "This asks for your password again: POST /api/auth/reauthenticate, then repeat it.";
        Self::new(StatusCode::FORBIDDEN, "REAUTHENTICATION_REQUIRED", detail)
    }

    /// There is no session, or none that is in.
    pub(crate) fn signed_out() -> Self {
        let detail = "You are not signed in, or your session has ended: sign in again.";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
    }

    pub(crate) fn operator_token_expired() -> Self {
        let detail = "The token has expired, or its session has ended: POST /api/auth/token makes another one.";
        Self::new(StatusCode::UNAUTHORIZED, "TOKEN_EXPIRED", detail)
    }

    pub(crate) fn token_expired() -> Self {
        let detail = "The token has expired: activate again to get a new one.";
        Self::new(StatusCode::UNAUTHORIZED, "TOKEN_EXPIRED", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail = "There is no valid credential in this request: send an API key as X-API-Key, a token as \
                      Authorization: Bearer, or sign in.";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
    }

    /// A failure inside: the cause is logged, not sent.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause = chain(cause), "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            "Something went wrong inside the server; it was logged.",
        )
    }

    pub(crate) fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::warn!(cause = chain(cause), "the database did not answer");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "The server cannot reach its database; try again shortly.",
        )
    }

    fn invalid(errors: Vec<FieldError>) -> Self {
        let problem = |error: FieldError| FieldProblem {
            pointer: error.pointer,
            code: error.code.to_owned(),
            detail: error.detail,
        };
        // What is no version has one code everywhere.
        let versions_alone = errors.iter().all(|error| error.code == "VERSION_INVALID");
        let code = if versions_alone {
            "VERSION_INVALID"
        } else {
            "VALIDATION_FAILED"
        };
        let mut invalid = Self::unprocessable(code, "Some fields are not valid; see errors.");
        invalid.errors = errors.into_iter().map(problem).collect();
        invalid
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// A claimed value belongs to something else: `product_code` gives `PRODUCT_CODE_TAKEN`.
fn taken_code(claim: &str) -> Cow<'static, str> {
    match claim {
        // What is claimed is no field of it, but a version of a channel.
        "release" | "release_version" => "RELEASE_EXISTS".into(),
        claim => format!("{}_TAKEN", claim.to_uppercase()).into(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn sentence(text: &impl std::fmt::Display) -> String {
    let text = text.to_string();
    // The name of a field stays as it is written.
    if text.split(' ').next().is_some_and(|word| word.contains('_')) {
        return format!("{text}.");
    }
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    format!("{}{}.", first.collect::<String>(), characters.as_str())
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let text = sentence(&error);
        let conflict = |code: Cow<'static, str>| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            CommandError::Invalid(errors) => Self::invalid(errors),
            CommandError::Taken(kind) => conflict(taken_code(kind)),
            CommandError::Stale => {
                let detail = "The resource has changed since it was read: read it again and repeat with its new ETag.";
                Self::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail)
            }
            CommandError::License(rejection) => license(&rejection),
            CommandError::Resource(rejection) => resource(rejection, text),
            CommandError::MeterUnknown(meter) => {
                let mut problem = Self::unprocessable("METER_UNKNOWN", text);
                problem.facts.insert("meter".to_owned(), meter.as_str().into());
                problem
            }
            CommandError::VersionInvalid(_) => Self::unprocessable("VERSION_INVALID", text),
            CommandError::IdempotencyTaken => {
                let detail = "A request with this Idempotency-Key is running; repeat shortly to get its answer.";
                Self::new(StatusCode::CONFLICT, "IDEMPOTENCY_IN_FLIGHT", detail)
            }
            CommandError::Contended => {
                let detail = "Too many others change this at the same time; try again.";
                Self::new(StatusCode::CONFLICT, "CONTENDED", detail)
            }
            CommandError::Overloaded => {
                let detail = "The server has more to write than it can take; try again shortly.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail)
            }
            CommandError::Unavailable(_) => Self::unavailable(&error),
            CommandError::Read(licet_event_store::ReadError::Database(_)) => Self::unavailable(&error),
            CommandError::Vault(VaultError::Database(_)) => Self::unavailable(&error),
            CommandError::Read(_) | CommandError::Vault(_) => Self::internal(&error),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        CommandError::from(error).into()
    }
}

fn resource(rejection: ResourceRejection, text: String) -> Problem {
    let conflict = |code: Cow<'static, str>| Problem::new(StatusCode::CONFLICT, code, text.clone());
    match rejection {
        ResourceRejection::NotFound(kind) => Problem::not_found(kind),
        ResourceRejection::AlreadyExists(_) => conflict("ALREADY_EXISTS".into()),
        ResourceRejection::Retired(kind) => conflict(kind.code("RETIRED").into()),
        ResourceRejection::Conflict { code, .. } => conflict(code.into()),
        ResourceRejection::NotAuthenticated { code, .. } => Problem::new(StatusCode::UNAUTHORIZED, code, text),
        ResourceRejection::Field { field, code, detail } => field_problem(field, code, detail),
    }
}

fn field_problem(field: &str, code: &'static str, detail: String) -> Problem {
    Problem::invalid(vec![FieldError {
        pointer: format!("/{field}"),
        code,
        detail,
    }])
}

fn license(rejection: &LicenseRejection) -> Problem {
    let text = sentence(rejection);
    let status = match rejection {
        LicenseRejection::NotFound => return Problem::not_found(License::KIND),
        LicenseRejection::ActivationNotFound(_) => return Problem::not_found(ACTIVATION),
        LicenseRejection::EndsBeforeItBegins => return field_problem("expires_at", "OUT_OF_RANGE", text),
        LicenseRejection::SeatsOutOfRange => return field_problem("seats", "OUT_OF_RANGE", text),
        LicenseRejection::CheckOutOutOfRange => return field_problem("days", "OUT_OF_RANGE", text),
        LicenseRejection::AlreadyExists
        | LicenseRejection::ActivationNotActive(_)
        | LicenseRejection::CheckedOut(_)
        | LicenseRejection::AlreadyActive(_) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut problem = Problem::new(status, rejection.code(), text);
    problem.facts = rejection.facts();
    problem
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        let text = sentence(&error);
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            BackupError::Database(_) | BackupError::Schema(_) => Self::unavailable(&error),
            BackupError::NotFound { .. } => Self::not_found(BACKUP),
            BackupError::Busy | BackupError::Verifying | BackupError::Restoring => conflict("BACKUP_BUSY"),
            BackupError::Unsigned(_) | BackupError::Missing(_) | BackupError::Touched(_) => conflict("BACKUP_DAMAGED"),
            BackupError::OutOfReach(_) | BackupError::Newer { .. } => Self::unprocessable("BACKUP_OUT_OF_REACH", text),
            _ => {
                tracing::warn!(
                    cause = chain(&error),
                    "the store of backups does not answer as it should"
                );
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "BACKUP_STORE_UNAVAILABLE", text)
            }
        }
    }
}

impl From<WaitError> for Problem {
    fn from(error: WaitError) -> Self {
        match &error {
            WaitError::Behind { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "READ_MODEL_BEHIND", sentence(&error))
            }
            WaitError::Database(_) => Self::unavailable(&error),
        }
    }
}

/// For queries: what fails there is the database.
pub(crate) fn unavailable(error: impl std::error::Error + 'static) -> Problem {
    Problem::unavailable(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_a_database_that_is_away_hears_that_it_is_and_asks_again() {
        let away = || licet_event_store::StoreError::PoolTimedOut;
        let errors = [
            CommandError::from(VaultError::from(away())),
            CommandError::from(licet_event_store::ReadError::from(away())),
        ];
        for error in errors {
            let problem = Problem::from(error);
            assert_eq!((problem.status.as_u16(), &*problem.code), (503, "UNAVAILABLE"));
        }
        let wrong = Problem::from(VaultError::WrongSecret("tenant".to_owned()));
        assert_eq!(wrong.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
