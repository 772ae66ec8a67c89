//! Whether the server's own document describes what the server answers: every answer that any test gets is looked up.

use serde_json::Value;

use crate::Answer;

/// Compares an answer with the document of the server that gave it.
///
/// # Panics
///
/// When the document does not know of the route, the status or the code.
pub(crate) fn expect_described(answer: &Answer, method: &str, path: &str, document: &Value) {
    // The browser app's pages and files are no API.
    let described_paths = ["/api/", "/.well-known/", "/healthz", "/readyz", "/metrics"];
    if !described_paths.iter().any(|known| path.starts_with(known)) {
        return;
    }
    // Nobody describes what is no route, what our own fault is, and the description itself.
    let not_described = answer.status == 500
        || ["NOT_FOUND", "METHOD_NOT_ALLOWED"].contains(&answer.code())
        || ["/api/openapi.json", "/api/docs"].contains(&path);
    if not_described {
        return;
    }
    let operation = find(document, method, path);
    let operation = operation.unwrap_or_else(|| panic!("the document does not know of {method} {path}"));
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
    // HEAD is a GET whose body stays away.
    let method = if method == "HEAD" {
        "get".to_owned()
    } else {
        method.to_lowercase()
    };
    methods.get(&method)
}
