//! Query parameters: a struct that lists them is their parser and their description, and what the description does not
//! list is refused ([`KnownParameters`]): a filter that is silently ignored makes a script act on everything.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::IntoParams;

use super::{plain_words, refused};
use crate::problem::{Problem, Result};

/// The parameters that one or two structs list. An empty parameter is an absent one.
pub(crate) struct Query<A, B = NoParameters>(pub(crate) A, pub(crate) B);

/// No further parameters.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
pub(crate) struct NoParameters {}

impl<S, A, B> FromRequestParts<S> for Query<A, B>
where
    S: Send + Sync,
    A: DeserializeOwned + IntoParams,
    B: DeserializeOwned + IntoParams,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let given = pairs(parts.uri.query().unwrap_or_default());
        Ok(Self(read(&given)?, read(&given)?))
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.filter(|(_, value)| !value.trim().is_empty()).collect()
}

fn read<T: DeserializeOwned + IntoParams>(given: &[(String, String)]) -> Result<T> {
    let listed: Vec<String> = T::into_params(|| None).into_iter().map(|one| one.name).collect();
    let mine = given.iter().filter(|(name, _)| listed.contains(name));
    let mine: Vec<(&str, &str)> = mine.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&mine)
        .finish();
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (path, cause) = (error.path().to_string(), error.inner().to_string());
        match cause
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next())
        {
            Some(name) => refused(name, format!("The query parameter {name} is required.")),
            None => refused(
                &path,
                format!("The query parameter {path} is not valid: {}.", plain_words(&cause)),
            ),
        }
    })
}

/// The parameters of every route, as the API's description lists them.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownParameters(Arc<HashMap<(String, String), Known>>);

/// What the description says of one route.
#[derive(Debug)]
struct Known {
    names: Vec<String>,
    /// Whether it asks for a credential, which is looked at first.
    secured: bool,
}

/// A query that is refused, once it is known who asks.
#[derive(Debug, Clone)]
pub(crate) struct RefusedQuery(pub(crate) Problem);

impl KnownParameters {
    /// Reads them out of the description.
    pub(crate) fn of(document: &Value) -> Self {
        let mut known = HashMap::new();
        let paths = document["paths"].as_object().into_iter().flatten();
        for (path, methods) in paths.filter(|(path, _)| path.starts_with("/api/")) {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let names = parameters
                    .filter(|parameter| parameter["in"] == "query")
                    .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
                let names = names.collect();
                let secured = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
                known.insert((path.clone(), method.clone()), Known { names, secured });
            }
        }
        Self(Arc::new(known))
    }

    /// Refuses a parameter that the route does not have, and one that is given twice: at once where anybody may ask, else
    /// when the credential is known.
    pub(crate) fn check(&self, request: &mut Request) -> Result<()> {
        let Some(known) = self.of_route(request) else {
            return Ok(());
        };
        let Err(problem) = check(request, &known.names) else {
            return Ok(());
        };
        if !known.secured {
            return Err(problem);
        }
        request.extensions_mut().insert(RefusedQuery(problem));
        Ok(())
    }

    fn of_route(&self, request: &Request) -> Option<&Known> {
        let path = request.extensions().get::<MatchedPath>()?;
        let method = match request.method().as_str() {
            "HEAD" => "get".to_owned(),
            method => method.to_lowercase(),
        };
        self.0.get(&(path.as_str().to_owned(), method))
    }
}

fn check(request: &Request, known: &[String]) -> Result<()> {
    let Some(query) = request.uri().query().filter(|query| !query.is_empty()) else {
        return Ok(());
    };
    if !is_text(query) {
        return Err(Problem::bad_request("QUERY_INVALID", "The query is not well-formed."));
    }
    let mut seen = Vec::new();
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known.iter().any(|known| *known == name) {
            return Err(unknown(&name, known));
        }
        if seen.contains(&name) {
            return Err(refused(&name, format!("The query parameter {name} is given twice.")));
        }
        seen.push(name);
    }
    Ok(())
}

fn unknown(name: &str, known: &[String]) -> Problem {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let detail = if known.is_empty() {
        format!("There is no query parameter {shown:?} here; this route has none.")
    } else {
        format!(
            "There is no query parameter {shown:?} here; there are {}.",
            known.join(", ")
        )
    };
    refused(&shown, detail)
}

/// Whether a query decodes to text without U+0000, which Postgres takes in no value.
fn is_text(query: &str) -> bool {
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(query).collect();
    std::str::from_utf8(&decoded).is_ok_and(|text| !text.contains('\0'))
}
