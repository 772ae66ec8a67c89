//! Any list as one CSV file: exactly its filter, page by page from the list's own route, so that it costs the same however
//! long it is, and shows nothing that the caller may not read.

use std::{
    borrow::Cow,
    collections::HashMap,
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
use licet_projections::inert;
use serde_json::{Map, Value, json};

use crate::{
    extract::{header, refused},
    limits::RateLimitSlot,
    problem::{Problem, Result, unavailable},
};

/// Parameters of the file; the others are the list's.
const FORMAT: &str = "format";
const DIALECT: &str = "dialect";
/// Rows of a page, the most that a list answers at once.
const ROWS: usize = 200;
/// More than such a page has.
const PAGE_BYTES: usize = 64 << 20;

/// The columns of every list by its path: the properties of its items.
pub(crate) type Columns = HashMap<String, Vec<String>>;

/// Reads the columns of the back office's lists out of the API's description.
pub(crate) fn columns_of(document: &Value) -> Columns {
    let paths = document["paths"].as_object().into_iter().flatten();
    let columns = |(path, methods): (&String, &Value)| {
        let items = items_of(&methods["get"])?;
        let name = items.rsplit('/').next()?;
        let page = &document["components"]["schemas"][name];
        let mut columns = Vec::new();
        collect(document, page.pointer("/properties/items/items")?, &mut columns);
        Some((path.clone(), columns))
    };
    paths.filter_map(columns).collect()
}

/// What the routes know of their lists, once all of them are described.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists(Arc<OnceLock<Columns>>);

impl Lists {
    /// Tells the routes, once.
    pub(crate) fn learn(&self, columns: Columns) {
        let _ = self.0.set(columns);
    }

    fn columns(&self, request: &Request) -> Option<Vec<String>> {
        let route = request.extensions().get::<MatchedPath>()?;
        self.0.get()?.get(route.as_str()).cloned()
    }
}

/// What the pages of an operation are called in the description, where it is a back office's list.
pub(crate) fn items_of(operation: &Value) -> Option<&str> {
    let page = operation
        .pointer("/responses/200/content/application~1json/schema/$ref")?
        .as_str()?;
    let listed = page.contains("/Page_")
        && operation["parameters"]
            .as_array()?
            .iter()
            .any(|one| one["name"] == "limit");
    listed.then_some(page)
}

/// The two parameters, as the description lists them.
pub(crate) fn parameters() -> [Value; 2] {
    let parameter = |name: &str, allowed: &str, description: &str| {
        json!({ "name": name, "in": "query", "required": false, "description": description,
                "schema": { "type": "string", "enum": [allowed] } })
    };
    [
        parameter(
            FORMAT,
            "csv",
            "All that matches as one CSV file (RFC 4180, UTF-8); so does `Accept: text/csv`.",
        ),
        parameter(
            DIALECT,
            "excel-de",
            "With a byte order mark, semicolons and decimal commas.",
        ),
    ]
}

/// The names of a schema's properties, those of its parts first.
fn collect(document: &Value, schema: &Value, columns: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str()
        && let Some(schema) = document.pointer(reference.trim_start_matches('#'))
    {
        collect(document, schema, columns);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, columns);
    }
    for name in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
        // Whatever tells what a row is stands in front.
        if matches!(&name[..], "id" | "activation_id" | "position") {
            columns.insert(0, name.clone());
        } else {
            columns.push(name.clone());
        }
    }
}

/// How cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Rfc4180,
    /// What a German Excel opens by a double click.
    ExcelDe,
}

/// Answers a list as a file where that is asked for.
pub(crate) async fn answer_csv(State(lists): State<Lists>, request: Request, next: Next) -> Response {
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

async fn file(request: Request, next: Next, columns: Vec<String>) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let given: Vec<(String, String)> = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let of = |name: &str| given.iter().find(|(own, value)| own == name && !value.is_empty());
    if of(FORMAT).is_some_and(|(_, value)| value != "csv") {
        return Err(refused(
            FORMAT,
            "A list is answered as JSON, or with format=csv.".to_owned(),
        ));
    }
    if of(FORMAT).is_none() && !accepts_csv(&parts.headers) {
        return Err(refused(
            DIALECT,
            "A dialect is that of a file: add format=csv.".to_owned(),
        ));
    }
    let dialect = match of(DIALECT).map(|(_, value)| value.as_str()) {
        None => Dialect::Rfc4180,
        Some("excel-de") => Dialect::ExcelDe,
        Some(_) => return Err(refused(DIALECT, "The dialect is excel-de, or none.".to_owned())),
    };
    let own = |name: &str| !matches!(name, FORMAT | DIALECT | "limit" | "cursor" | "total");
    let mut list = List {
        next,
        request: parts,
        filter: given.into_iter().filter(|(name, _)| own(name)).collect(),
        columns,
        dialect,
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
    let name = list
        .request
        .uri
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("list");
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let mut head = list.row(list.columns.iter().cloned()).map_err(unavailable)?;
    if dialect == Dialect::ExcelDe {
        head.splice(0..0, *b"\xef\xbb\xbf");
    }
    let rest = futures::stream::try_unfold((list, Some(first)), |(mut list, page)| async move {
        let Some(page) = page else {
            return Ok(None);
        };
        let rows = list.rows(&page)?;
        let page = match page["next_cursor"].as_str() {
            Some(cursor) => Some(list.page(Some(cursor)).await.map_err(|refusal| {
                // The file breaks off, so that nobody takes it for whole.
                std::io::Error::other(format!("the list answered {}", refusal.status()))
            })?),
            None => None,
        };
        Ok::<_, std::io::Error>(Some((Bytes::from(rows), (list, page))))
    });
    let head = futures::stream::once(async move { Ok(Bytes::from(head)) });
    let mut response = Body::from_stream(futures::StreamExt::chain(head, rest)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
    );
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// A list that is read page by page.
struct List {
    next: Next,
    request: axum::http::request::Parts,
    filter: Vec<(String, String)>,
    columns: Vec<String>,
    dialect: Dialect,
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

    fn rows(&self, page: &Value) -> std::io::Result<Vec<u8>> {
        let mut rows = Vec::new();
        for item in page["items"].as_array().into_iter().flatten() {
            rows.extend(self.row(self.columns.iter().map(|column| cell(&item[column], self.dialect)))?);
        }
        Ok(rows)
    }

    fn row(&self, cells: impl Iterator<Item = String>) -> std::io::Result<Vec<u8>> {
        let delimiter = if self.dialect == Dialect::ExcelDe { b';' } else { b',' };
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .delimiter(delimiter)
            .from_writer(Vec::new());
        writer.write_record(cells.collect::<Vec<_>>())?;
        writer.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

fn cell(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text.clone()),
        Value::Number(number) if dialect == Dialect::ExcelDe => number.to_string().replace('.', ","),
        other => other.to_string(),
    }
}
