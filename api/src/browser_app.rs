//! The browser app's files, which lie in the program: compressed ahead, named by their content, and nothing from elsewhere.

use std::borrow::Cow;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// What `./dev ui` has built; nothing on a clone where it has not run.
#[derive(RustEmbed)]
#[folder = "../admin-ui/dist"]
#[allow_missing = true]
struct Files;

/// What the pages may do: run this app's code, and talk to this server. Nothing inline, nothing from elsewhere, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What is no route of the API: a file of the app, or one of its pages, which the app itself knows.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_ours = path.starts_with("api/") || path.starts_with(".well-known/");
    if is_ours || !matches!(method, Method::GET | Method::HEAD) {
        return Problem::no_route().into_response();
    }
    if path.starts_with("assets/") {
        let kept = "public, max-age=31536000, immutable";
        let file = file(path, &headers, kept);
        return file.unwrap_or_else(|| Problem::no_route().into_response());
    }
    let page = file("index.html", &headers, "no-cache");
    page.unwrap_or_else(not_built)
}

fn not_built() -> Response {
    let detail = "The browser app is not in this program: `./dev ui` builds it, then build `licet` again. The API is \
                  described at /api/docs.";
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail).into_response()
}

/// A file in the smallest form that the browser takes.
fn file(path: &str, headers: &HeaderMap, kept: &'static str) -> Option<Response> {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |coding: &str| {
        accepted
            .split(',')
            .any(|one| one.trim().split(';').next() == Some(coding))
    };
    let forms = [("br", ".br"), ("gzip", ".gz")];
    let mut compressed = forms
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .filter_map(|(coding, ending)| Some((coding, Files::get(&format!("{path}{ending}"))?)));
    let (coding, file) = match compressed.next() {
        Some((coding, file)) => (Some(coding), file),
        None => (None, Files::get(path)?),
    };
    let EmbeddedFile { data, .. } = file;
    let body = match data {
        Cow::Borrowed(bytes) => axum::body::Body::from(bytes),
        Cow::Owned(bytes) => axum::body::Body::from(bytes),
    };
    let mut response = Response::new(body);
    let said: [(HeaderName, &'static str); 8] = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::CACHE_CONTROL, kept),
        (header::VARY, "Accept-Encoding"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in said {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(coding) = coding {
        let coding = HeaderValue::from_static(coding);
        response.headers_mut().insert(header::CONTENT_ENCODING, coding);
    }
    Some(response)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
