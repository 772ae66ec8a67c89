//! Any list as one file, CSV or Parquet: exactly its filter, page by page from the list's own route, so that it costs the
//! same however long it is, and shows nothing that the caller may not read.

mod columns;
mod formats;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE},
        uri::PathAndQuery,
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use licet_event_store::columnar::Column;
use serde_json::{Value, json};

use crate::{
    extract::{header, refused},
    limits::RateLimitSlot,
    problem::{Problem, Result, unavailable},
};

pub(crate) use columns::{Columns, columns_of, items_of};
use formats::{Dialect, File};

/// Parameters of the file; the others are the list's.
const FORMAT: &str = "format";
const DIALECT: &str = "dialect";
/// Rows of a page, the most that a list answers at once.
const ROWS: usize = 200;
/// Orders in which rows move while a file is written: it would lack some and have others twice, so it is read by time of
/// creation then.
const MOVING: [&str; 4] = ["active", "last_seen_at", "licenses", "name"];
/// More than such a page has.
const PAGE_BYTES: usize = 64 << 20;

/// What the routes know of their lists, once all of them are described.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists(Arc<OnceLock<Columns>>);

impl Lists {
    /// Tells the routes, once.
    pub(crate) fn learn(&self, columns: Columns) {
        let _ = self.0.set(columns);
    }

    fn columns(&self, request: &Request) -> Option<Vec<Column>> {
        let route = request.extensions().get::<MatchedPath>()?;
        self.0.get()?.get(route.as_str()).cloned()
    }
}

/// The two parameters, as the description lists them.
pub(crate) fn parameters() -> [Value; 2] {
    let parameter = |name: &str, allowed: &[&str], description: &str| {
        json!({ "name": name, "in": "query", "required": false, "description": description,
                "schema": { "type": "string", "enum": allowed } })
    };
    [
        parameter(
            FORMAT,
            &["csv", "parquet"],
            "All that matches as one file: CSV (RFC 4180, UTF-8; so does `Accept: text/csv`), or Parquet with numbers, truth \
             values and moments as such. In an order in which rows move meanwhile (`active`, `last_seen_at`, `licenses`, \
             `name`), it is read by time of creation.",
        ),
        parameter(
            DIALECT,
            &["excel-de"],
            "CSV with a byte order mark, semicolons and decimal commas.",
        ),
    ]
}

/// Answers a list as a file where that is asked for.
pub(crate) async fn answer_file(State(lists): State<Lists>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET || !is_about_a_file(&request) {
        return next.run(request).await;
    }
    match lists.columns(&request) {
        Some(columns) => file(request, next, columns)
            .await
            .unwrap_or_else(Problem::into_response),
        None => next.run(request).await,
    }
}

fn is_about_a_file(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let named = |(name, value): (Cow<'_, str>, Cow<'_, str>)| matches!(&*name, FORMAT | DIALECT) && !value.is_empty();
    accepts_csv(request.headers()) || form_urlencoded::parse(query.as_bytes()).any(named)
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    header(headers, "accept").is_some_and(|accept| accept.starts_with("text/csv"))
}

async fn file(request: Request, next: Next, columns: Vec<Column>) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let given: Vec<(String, String)> = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    let name = path.rsplit('/').next().unwrap_or("list");
    let mut file = wanted(&given, &parts.headers, (name, &columns))?;
    let own = |name: &str, value: &str| match name {
        FORMAT | DIALECT | "limit" | "cursor" | "total" => false,
        "sort" => !MOVING.contains(&value.trim_start_matches('-')),
        _ => true,
    };
    let mut list = List {
        next,
        request: parts,
        filter: given.into_iter().filter(|(name, value)| own(name, value)).collect(),
    };
    list.request.headers.remove(ACCEPT);
    let first = list.page(None).await;
    // Whoever may not read it, or asks for what there is not, hears so.
    let first = match first {
        Ok(page) => page,
        Err(refusal) => return Ok(refusal),
    };
    // However many pages there are, this is one request.
    if let Some(slot) = list.request.extensions.get::<RateLimitSlot>() {
        slot.settle();
    }
    let disposition = format!("attachment; filename=\"{name}.{}\"", file.ending());
    let content_type = HeaderValue::from_static(file.content_type());
    let head = file.head(&columns).map_err(unavailable)?;
    let written = (file, columns);
    let rest = futures::stream::try_unfold(Some((list, first, written)), |going| async move {
        let Some((mut list, page, (mut file, columns))) = going else {
            return Ok(None);
        };
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let mut bytes = file.rows(&columns, items)?;
        let Some(cursor) = page["next_cursor"].as_str() else {
            bytes.extend(file.end(&columns)?);
            return Ok(Some((Bytes::from(bytes), None)));
        };
        // The file breaks off, so that nobody takes it for whole.
        let broken = |refusal: Response| std::io::Error::other(format!("the list answered {}", refusal.status()));
        let page = list.page(Some(cursor)).await.map_err(broken)?;
        Ok::<_, std::io::Error>(Some((Bytes::from(bytes), Some((list, page, (file, columns))))))
    });
    let head = futures::stream::once(async move { Ok(Bytes::from(head)) });
    let mut response = Body::from_stream(futures::StreamExt::chain(head, rest)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The file that is asked for.
fn wanted(given: &[(String, String)], headers: &HeaderMap, (name, columns): (&str, &[Column])) -> Result<File> {
    let of = |name: &str| {
        let found = given.iter().find(|(own, value)| own == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let format = of(FORMAT).or_else(|| accepts_csv(headers).then_some("csv"));
    match (format, of(DIALECT)) {
        (Some("csv"), None) => Ok(File::csv(Dialect::Rfc4180)),
        (Some("csv"), Some("excel-de")) => Ok(File::csv(Dialect::ExcelDe)),
        (Some("csv"), Some(_)) => Err(refused(DIALECT, "The dialect is excel-de, or none.".to_owned())),
        (Some("parquet"), None) => File::parquet(name, columns).map_err(unavailable),
        (None | Some("parquet"), _) => Err(refused(
            DIALECT,
            "A dialect is that of a CSV file: add format=csv.".to_owned(),
        )),
        _ => Err(refused(
            FORMAT,
            "A list is answered as JSON, with format=csv or with format=parquet.".to_owned(),
        )),
    }
}

/// A list that is read page by page.
struct List {
    next: Next,
    request: axum::http::request::Parts,
    filter: Vec<(String, String)>,
}

impl List {
    /// One page of it, as its route answers it; or what it refuses.
    async fn page(&mut self, cursor: Option<&str>) -> std::result::Result<Value, Response> {
        let target = self.target(cursor);
        let target: PathAndQuery = target.parse().map_err(|_| Problem::no_route().into_response())?;
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from(target);
        *request.headers_mut() = self.request.headers.clone();
        *request.extensions_mut() = self.request.extensions.clone();
        let answer = self.next.clone().run(request).await;
        if answer.status() != StatusCode::OK {
            return Err(answer);
        }
        let unreadable = || {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "The list could not be read.",
            )
        };
        let body = to_bytes(answer.into_body(), PAGE_BYTES).await;
        let body = body.map_err(|_| unreadable().into_response())?;
        serde_json::from_slice(&body).map_err(|_| unreadable().into_response())
    }

    /// Where a page of it is.
    fn target(&self, cursor: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filter).append_pair("limit", &ROWS.to_string());
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        format!("{}?{}", self.request.uri.path(), query.finish())
    }
}
