//! What surrounds every answer: the request's id, problems as bodies, signatures on the license routes, metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderValue, Method, Version,
        header::{CACHE_CONTROL, CONTENT_TYPE, HOST},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use licet_event_store::traces;
use opentelemetry::KeyValue;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    App,
    extract::{self, KnownParameters, NonceSlot, header},
    limits::RateLimitSlot,
    problem::Problem,
    signing,
};

/// The request's id, the caller's if it sent a sane one, and what joins everything that it sets off.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String, pub(crate) Uuid);

pub(crate) async fn surround(
    State((app, parameters)): State<(App, KnownParameters)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = header(request.headers(), "x-request-id")
        .filter(|id| is_sane(id))
        .map(str::to_owned);
    let cause = app.platform.edge.id();
    let id = id.unwrap_or_else(|| cause.simple().to_string());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", |path| path.as_str())
        .to_owned();
    let method = method_name(request.method());
    let nonce = NonceSlot::default();
    let rate_limit = RateLimitSlot::default();
    let signed = signing::covers(request.uri().path());
    let target = signed.then(|| signing::Target::of(&request));
    request.extensions_mut().insert(RequestId(id.clone(), cause));
    request.extensions_mut().insert(nonce.clone());
    request.extensions_mut().insert(rate_limit.clone());
    let span = tracing::info_span!("request", request_id = %id, method, route);
    let checked = expect_host(&request).and_then(|()| parameters.check(&mut request));
    let mut response = match extract::whole(request).await {
        Ok(request) => match checked {
            Ok(()) => next.run(request).instrument(span).await,
            Err(problem) => problem.into_response(),
        },
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        write_problem(&mut response, problem, &id);
    }
    rate_limit.write(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    // Keys, secrets and customers are in answers: nothing on the way keeps them.
    if route.starts_with("/api/") && !response.headers().contains_key(CACHE_CONTROL) {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(target) = target {
        response = signing::sign(&app, &target, nonce.get(), response).await;
    }
    let status = response.status().as_u16();
    if traces::is_traced(cause) {
        let attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        traces::request(
            cause,
            format!("{method} {route}"),
            started.elapsed(),
            status >= 500,
            attributes,
        );
    }
    app.metrics.request(method, route, status, started.elapsed());
    response
}

/// RFC 9112, 3.2: a request of HTTP/1.1 names its host, once.
fn expect_host(request: &Request) -> Result<(), Problem> {
    let times = request.headers().get_all(HOST).iter().count();
    if times == 1 || (times == 0 && request.version() != Version::HTTP_11) {
        return Ok(());
    }
    Err(Problem::bad_request("HOST_INVALID", "A request names its host, once."))
}

fn is_sane(id: &str) -> bool {
    id.len() <= 128
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

/// Methods by name; whatever else someone sends must not become a label of its own.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

fn write_problem(response: &mut Response, problem: Problem, request_id: &str) {
    let kind = format!("/problems/{}", problem.code.to_lowercase().replace('_', "-"));
    let body = licet_contracts::Problem {
        kind,
        title: problem.status.canonical_reason().unwrap_or("Problem").to_owned(),
        status: problem.status.as_u16(),
        detail: problem.detail,
        code: problem.code.to_string(),
        request_id: request_id.to_owned(),
        errors: problem.errors,
        facts: problem.facts,
    };
    let text = serde_json::to_vec(&body).expect("problems hold only strings, numbers and maps with string keys");
    *response.body_mut() = text.into();
    response.headers_mut().remove("content-length");
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // What counts requests knows better, and says so after this.
    let passing = matches!(&*problem.code, "IDEMPOTENCY_IN_FLIGHT" | "CONTENDED");
    if passing || matches!(problem.status.as_u16(), 429 | 503) {
        response
            .headers_mut()
            .insert("retry-after", HeaderValue::from_static("1"));
    }
    if problem.status.as_u16() == 401 {
        response
            .headers_mut()
            .insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
}
