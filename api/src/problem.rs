//! The one place where refusals and failures become answers.
//!
//! Clients branch on `code`. Causes inside the server are logged here, once, and never sent.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use licet_commands::{CommandError, FieldError};
use licet_contracts::FieldProblem;
use licet_domain::{
    anomaly::AnomalyRejection, api_key::ApiKeyRejection, customer::CustomerRejection, license::LicenseRejection,
    policy::PolicyRejection, product::ProductRejection, release::ReleaseRejection, webhook::WebhookRejection,
};
use licet_projections::WaitError;
use serde_json::{Map, Value};

/// A problem before the request's id is known; the envelope adds it and writes the body.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldProblem>,
    pub(crate) facts: Map<String, Value>,
}

pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
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

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            not_found_code(what),
            format!("There is no such {what}."),
        )
    }

    pub(crate) fn token_expired() -> Self {
        let detail = "The token has expired: activate again to get a new one.";
        Self::new(StatusCode::UNAUTHORIZED, "TOKEN_EXPIRED", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail = "There is no valid credential in this request: send an API key as X-API-Key, or an activation's \
                      token as Authorization: Bearer.";
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

fn not_found_code(what: &str) -> &'static str {
    match what {
        "product" => "PRODUCT_NOT_FOUND",
        "policy" => "POLICY_NOT_FOUND",
        "customer" => "CUSTOMER_NOT_FOUND",
        "license" => "LICENSE_NOT_FOUND",
        "release" => "RELEASE_NOT_FOUND",
        "API key" => "API_KEY_NOT_FOUND",
        "activation" => "ACTIVATION_NOT_FOUND",
        "webhook" => "WEBHOOK_NOT_FOUND",
        "delivery" => "DELIVERY_NOT_FOUND",
        "anomaly" => "ANOMALY_NOT_FOUND",
        "replay" => "REPLAY_NOT_FOUND",
        "mail" => "MAIL_NOT_FOUND",
        _ => "NOT_FOUND",
    }
}

fn taken_code(kind: &str) -> &'static str {
    match kind {
        "product_code" => "PRODUCT_CODE_TAKEN",
        "policy_code" => "POLICY_CODE_TAKEN",
        "release" => "RELEASE_EXISTS",
        _ => "TAKEN",
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
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    format!("{}{}.", first.collect::<String>(), characters.as_str())
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let text = sentence(&error);
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        match error {
            CommandError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", text),
            CommandError::Invalid(errors) => Self::invalid(errors),
            CommandError::NotFound(what) => Self::not_found(what),
            CommandError::Retired(what) => conflict(match what {
                "product" => "PRODUCT_RETIRED",
                "policy" => "POLICY_RETIRED",
                _ => "CUSTOMER_RETIRED",
            }),
            CommandError::Taken(kind) => conflict(taken_code(kind)),
            CommandError::Stale => {
                let detail = "The resource has changed since it was read: read it again and repeat with its new ETag.";
                Self::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail)
            }
            CommandError::License(rejection) => license(&rejection),
            CommandError::Product(ProductRejection::NotFound) => Self::not_found("product"),
            CommandError::Policy(PolicyRejection::NotFound) => Self::not_found("policy"),
            CommandError::Customer(CustomerRejection::NotFound) => Self::not_found("customer"),
            CommandError::Release(ReleaseRejection::NotFound) => Self::not_found("release"),
            CommandError::Webhook(WebhookRejection::NotFound) => Self::not_found("webhook"),
            CommandError::Webhook(WebhookRejection::Retired) => conflict("WEBHOOK_RETIRED"),
            CommandError::Anomaly(AnomalyRejection::NotFound) => Self::not_found("anomaly"),
            CommandError::ApiKey(ApiKeyRejection::NotFound) => Self::not_found("API key"),
            CommandError::Product(ProductRejection::Retired) => conflict("PRODUCT_RETIRED"),
            CommandError::Policy(PolicyRejection::Retired) => conflict("POLICY_RETIRED"),
            CommandError::Customer(CustomerRejection::Retired) => conflict("CUSTOMER_RETIRED"),
            CommandError::Product(ProductRejection::AlreadyExists)
            | CommandError::Policy(PolicyRejection::AlreadyExists)
            | CommandError::Customer(CustomerRejection::AlreadyExists)
            | CommandError::Release(ReleaseRejection::AlreadyExists)
            | CommandError::Webhook(WebhookRejection::AlreadyExists)
            | CommandError::Anomaly(AnomalyRejection::AlreadyExists)
            | CommandError::ApiKey(ApiKeyRejection::AlreadyExists) => conflict("ALREADY_EXISTS"),
            CommandError::Policy(PolicyRejection::OutOfRange { field, allowed }) => {
                field_problem(field, "OUT_OF_RANGE", format!("this must be {allowed}"))
            }
            CommandError::Release(ReleaseRejection::MinimumAboveVersion) => {
                field_problem("min_version", "OUT_OF_RANGE", text)
            }
            CommandError::Release(ReleaseRejection::RolloutOutOfRange) => {
                field_problem("rollout_percent", "OUT_OF_RANGE", text)
            }
            CommandError::Release(ReleaseRejection::Yanked) => conflict("RELEASE_YANKED"),
            CommandError::ApiKey(ApiKeyRejection::NotLive) => conflict("API_KEY_ENDED"),
            CommandError::ApiKey(ApiKeyRejection::NoScope) => field_problem("scopes", "REQUIRED", text),
            CommandError::ApiKey(ApiKeyRejection::ExpiresInThePast) => {
                field_problem("expires_at", "OUT_OF_RANGE", text)
            }
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
            CommandError::Read(_) | CommandError::Vault(_) => Self::internal(&error),
        }
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
        LicenseRejection::NotFound => return Problem::not_found("license"),
        LicenseRejection::ActivationNotFound(_) => return Problem::not_found("activation"),
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
