//! Reads JSON bodies.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{CONTENT_ENCODING, TRANSFER_ENCODING},
    },
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use licet_contracts::FieldProblem;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::{invalid_field, plain_words, wording::without_place};
use crate::problem::{Problem, Result};

/// The largest body that is read; a larger one is drained up to [`DRAIN`] and refused.
const LIMIT: usize = 64 * 1024;
const DRAIN: usize = 1024 * 1024;
/// Fields among which the one that is wrong is looked for.
const MAX_SEARCHED: usize = 64;
/// How long a body may take.
const TIME: Duration = Duration::from_secs(30);

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON body, with the exact bytes that it came as.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = json_bytes(request).await?;
        Ok(Self {
            value: parse(&bytes)?,
            bytes,
        })
    }
}

/// A JSON body that may be absent: no bytes are `{}`.
pub(crate) struct OptionalJson<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let bytes = json_bytes(request).await?;
        let value = if bytes.is_empty() { parse(b"{}") } else { parse(&bytes) }?;
        Ok(Self { value, bytes })
    }
}

/// Reads the body before anything is answered: a connection whose request was answered half-read is closed, and the
/// client's next request on it is lost.
pub(crate) async fn whole(request: Request) -> Result<Request> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = read(body).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn json_bytes(request: Request) -> Result<Bytes> {
    let coded = is_coded(request.headers());
    let bytes = read(request.into_body()).await?;
    if coded {
        let detail = "The body is compressed; send it as it is, without Content-Encoding.";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "CONTENT_ENCODING_UNSUPPORTED", detail));
    }
    // Editors and shells of Windows put a byte order mark in front.
    Ok(match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => bytes.slice_ref(rest),
        None => bytes,
    })
}

/// Whether any coding of the content, or of the transfer, is left to be undone.
fn is_coded(headers: &HeaderMap) -> bool {
    let codings = |name: HeaderName, plain: &'static str| {
        let lines = headers.get_all(name).into_iter();
        lines
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .any(move |coding| {
                let coding = coding.trim_ascii();
                !coding.is_empty() && !coding.eq_ignore_ascii_case(plain.as_bytes())
            })
    };
    codings(CONTENT_ENCODING, "identity") || codings(TRANSFER_ENCODING, "chunked")
}

async fn read(body: Body) -> Result<Bytes> {
    let slow = |_| {
        let detail = format!("The body did not come within {} seconds.", TIME.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", detail)
    };
    tokio::time::timeout(TIME, collect(body)).await.map_err(slow)?
}

async fn collect(mut body: Body) -> Result<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad_request("BODY_INCOMPLETE", "The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > DRAIN {
            break;
        }
        // Most bodies come in one piece, which is then not copied.
        match &first {
            None => first = Some(data),
            Some(_) if length <= LIMIT => more.extend_from_slice(&data),
            Some(_) => {}
        }
    }
    if length > LIMIT {
        let detail = format!("The body has more than {LIMIT} bytes.");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail));
    }
    let first = first.unwrap_or_default();
    Ok(if more.is_empty() {
        first
    } else {
        [&first[..], &more[..]].concat().into()
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // Serde would take an array for an object, its fields by their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => invalid_field("", "The body is an array; it has to be an object."),
            Err(error) => malformed(bytes, &error),
        });
    }
    serde_json::from_slice(bytes).map_err(|error| describe::<T>(bytes, &error))
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let detail = match bytes {
        [] => "The body is empty; it has to be JSON.".to_owned(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, ..] | [0, _, ..] => {
            "The body is UTF-16; send JSON in UTF-8.".to_owned()
        }
        _ => format!("The body is not JSON: {error}."),
    };
    Problem::bad_request("MALFORMED_JSON", detail)
}

/// Malformed JSON is 400; JSON of the wrong shape is 422 and says where.
fn describe<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if !matches!(error.classify(), serde_json::error::Category::Data) {
        return malformed(bytes, error);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) else {
        return malformed(bytes, error);
    };
    let cause = error.inner().to_string();
    let mut pointer = pointer(error.path());
    if pointer.is_empty() {
        // Structs that are flattened into one lose the path.
        pointer = culprit::<T>(bytes).unwrap_or_default();
    }
    let name = |prefix: &str| cause.strip_prefix(prefix)?.split('`').next().map(escaped);
    let (pointer, code) = if cause.starts_with("the name ") && cause.contains(" is given twice") {
        (pointer, "DUPLICATE")
    } else if let Some(name) = name("missing field `") {
        (format!("{pointer}/{name}"), "REQUIRED")
    } else if let Some(name) = name("duplicate field `") {
        (format!("{pointer}/{name}"), "DUPLICATE")
    } else {
        (pointer, "INVALID")
    };
    let mut problem = Problem::unprocessable("VALIDATION_FAILED", "Some fields are not valid; see errors.");
    problem.errors.push(FieldProblem {
        pointer,
        code: code.to_owned(),
        detail: plain_words(&cause),
    });
    problem
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(escaped(key)),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.map(|segment| format!("/{segment}")).collect()
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The field without which the body would be read, or would be refused for something else that is wrong.
fn culprit<T: DeserializeOwned>(bytes: &[u8]) -> Option<String> {
    // As they were written: a name that is given twice is there twice.
    let whole: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).ok()?;
    // Each field costs a reading of all of them: whoever sends hundreds is told less.
    if whole.len() > MAX_SEARCHED {
        return None;
    }
    let complaint = complaint::<T>(&whole)?;
    let is_wrong = |name: &&String| {
        let mut rest = whole.clone();
        rest.remove(*name);
        self::complaint::<T>(&rest)
            .is_none_or(|without| without != complaint && !without.starts_with(&format!("missing field `{name}`")))
    };
    whole.keys().find(is_wrong).map(|name| format!("/{}", escaped(name)))
}

/// What is wrong with a body of these fields, wherever in it.
fn complaint<T: DeserializeOwned>(fields: &BTreeMap<String, Box<RawValue>>) -> Option<String> {
    let text = serde_json::to_string(fields).ok()?;
    let complaint = serde_json::from_str::<T>(&text).err()?.to_string();
    Some(without_place(&complaint).to_owned())
}
