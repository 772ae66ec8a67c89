//! Signs the answers of the license routes (RFC 9421, digests by RFC 9530).

use std::fmt::Write as _;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};

use crate::{App, problem::Problem};

/// Whether answers under this path are signed, errors included.
pub(crate) fn covers(path: &str) -> bool {
    path.starts_with("/api/license/") || path.starts_with("/api/version/")
}

/// What the signature says of the request.
pub(crate) struct Target {
    method: Method,
    path: String,
    query: String,
}

impl Target {
    pub(crate) fn of(request: &Request) -> Self {
        let uri = request.uri();
        Self {
            method: request.method().clone(),
            path: uri.path().to_owned(),
            // RFC 9421, 2.2.7: the leading question mark belongs to it, and an absent query is a lone one.
            query: format!("?{}", uri.query().unwrap_or_default()),
        }
    }
}

/// Adds `Date`, `Content-Digest`, `Signature-Input` and `Signature`.
pub(crate) async fn sign(app: &App, target: &Target, nonce: Option<&str>, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return axum::response::IntoResponse::into_response(Problem::internal(&error)),
    };
    let (now, signer) = (app.platform.edge.now(), app.signer());
    let date = httpdate::fmt_http_date(
        std::time::UNIX_EPOCH + std::time::Duration::from_millis(now.millis().max(0).cast_unsigned()),
    );
    // RFC 9530, B.2: the answer to HEAD has no content, and its digest is of that.
    let content: &[u8] = if target.method == Method::HEAD { b"" } else { &body };
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(content)));
    let mut parameters = format!(
        r#"("@status" "content-digest" "date" "@method";req "@path";req "@query";req);created={};keyid="{}";alg="ed25519";tag="licet""#,
        now.seconds(),
        signer.kid(),
    );
    if let Some(nonce) = nonce {
        let escaped = nonce.replace('\\', "\\\\").replace('"', "\\\"");
        // Writing to a String does not fail.
        let _ = write!(parameters, r#";nonce="{escaped}""#);
    }
    let base = format!(
        "\"@status\": {}\n\"content-digest\": {digest}\n\"date\": {date}\n\"@method\";req: {}\n\"@path\";req: {}\n\"@query\";req: {}\n\"@signature-params\": {parameters}",
        parts.status.as_u16(),
        target.method,
        target.path,
        target.query,
    );
    let signature = signer.sign(base.as_bytes());
    let headers = [
        ("date", date),
        ("content-digest", digest),
        ("signature-input", format!("licet={parameters}")),
        ("signature", format!("licet=:{}:", STANDARD.encode(signature))),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            parts.headers.insert(HeaderName::from_static(name), value);
        }
    }
    Response::from_parts(parts, Body::from(body))
}
