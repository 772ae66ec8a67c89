//! Whether the server's own document describes what the server answers: every answer that any test gets is looked up.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::Answer;

static DOCUMENT: Mutex<Option<Value>> = Mutex::new(None);

/// Compares an answer with the document; `fetch` gets it, once for all tests of a process.
///
/// # Panics
///
/// When the document does not know of the status or the code.
pub(crate) fn expect_described(answer: &Answer, (method, path): (&str, &str), fetch: impl FnOnce() -> Option<Value>) {
    let mut document = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if document.is_none() {
        *document = fetch();
    }
    let operation = document.as_ref().and_then(|document| find(document, method, path));
    // What is no route, and what is our own fault, is nobody's to describe.
    let Some(operation) = operation.filter(|_| answer.status != 500 && answer.code() != "NOT_FOUND") else {
        return;
    };
    let described = &operation["responses"][answer.status.to_string()];
    let name = format!(
        "{method} {}: {} {}",
        path.split('?').next().unwrap_or(path),
        answer.status,
        answer.code()
    );
    assert!(!described.is_null(), "the document does not know of {name}");
    if answer.status >= 400 && !answer.code().is_empty() {
        let known = described["description"].as_str().unwrap_or_default();
        let code = format!("`{}`", answer.code());
        assert!(known.contains(&code), "the document says {known:?} of {name}");
    }
}

fn find<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let asked: Vec<&str> = path.split('?').next()?.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let same = |(known, asked): (&&str, &&str)| known.starts_with('{') || known == asked;
        template.len() == asked.len() && template.iter().zip(&asked).all(same)
    };
    let paths = document["paths"].as_object()?.iter();
    // `anomalies/rerun` before `anomalies/{id}`.
    let template = paths.filter(|(template, _)| fits(template));
    let (_, methods) = template.min_by_key(|(template, _)| template.matches('{').count())?;
    methods.get(method.to_lowercase())
}
