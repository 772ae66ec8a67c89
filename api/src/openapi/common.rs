//! What holds for many routes at once: credentials, limits, idempotency, freshness, and how errors come. Each route says
//! what is its own; the rest is said here, by what the route is like.

use std::collections::BTreeSet;

use licet_domain::{Kind, RESOURCE_KINDS, license::License};
use serde_json::{Map, Value, json};

use crate::{
    list_export,
    problem::{BACKUP, BACKUP_RUN, MAIL, REPLAY},
};

/// Routes that ask by POST and change nothing that a repetition could double.
const ASKING: [&str; 3] = ["/api/license/verify", "/api/license/heartbeat", "/api/version/check"];

/// Orders that change nothing in the log: they can be repeated, or are kept from it beside the log.
fn is_beside_the_log(path: &str) -> bool {
    let ends = ["/simulate", "/test", "/resend", "/replay", "/replays", "/signing-keys"];
    ends.iter().any(|end| path.ends_with(end)) || path.starts_with("/api/admin/backups")
}

/// What whoever gives a machine a seat may hear.
const ACTIVATING: [&str; 10] = [
    "LICENSE_REVOKED",
    "LICENSE_SUSPENDED",
    "LICENSE_NOT_YET_VALID",
    "LICENSE_EXPIRED",
    "FINGERPRINT_REQUIRED",
    "FINGERPRINT_PLACEHOLDER",
    "FINGERPRINT_INSUFFICIENT",
    "VERSION_INVALID",
    "VERSION_UNSUPPORTED",
    "ACTIVATION_LIMIT_REACHED",
];

/// Adds to each operation what its like have in common.
pub(super) fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, methods) in paths {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                Operation(operation).complete(path, method);
            }
        }
    }
}

/// Pages and series hold things that have a schema of their own: they refer to it.
pub(super) fn refer_to_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let item = name.strip_prefix("Page_").or_else(|| name.strip_prefix("Series_"));
        if let Some(item) = item.filter(|item| names.contains(*item))
            && let Some(items) = schema.pointer_mut("/properties/items/items")
        {
            *items = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
}

struct Operation<'a>(&'a mut Map<String, Value>);

impl Operation<'_> {
    fn complete(&mut self, path: &str, method: &str) {
        // Said outright, so that no tool takes it for forgotten.
        self.0.entry("security").or_insert_with(|| json!([]));
        let admin = path.starts_with("/api/admin");
        if admin {
            // Operators come by session, or by a token that they made in it.
            self.0["security"] = json!([{ "api_key": [] }, { "session": [] }, { "bearer": [] }]);
        }
        let bearer = self.takes("bearer");
        let auth = path.starts_with("/api/auth");
        let credential = !auth && (bearer || self.takes("api_key"));
        if auth {
            self.signs_in(method);
        }
        if admin {
            self.refuses(403, &["REAUTHENTICATION_REQUIRED", "CROSS_SITE_REFUSED"]);
        }
        if path.starts_with("/api/") {
            // Unknown query parameters, wherever they come.
            self.refuses(400, &["HOST_INVALID", "QUERY_INVALID"]);
            self.refuses(422, &["VALIDATION_FAILED"]);
        }
        if credential {
            self.refuses(400, &["CREDENTIALS_AMBIGUOUS"]);
            self.refuses(401, &["UNAUTHENTICATED"]);
            self.refuses(403, &["FORBIDDEN"]);
            self.refuses(429, &["RATE_LIMITED"]);
            self.refuses(503, &["UNAVAILABLE"]);
        }
        if bearer {
            self.refuses(401, &["TOKEN_EXPIRED"]);
        }
        if bearer && !admin {
            self.refuses(401, &["TOKEN_REVOKED"]);
        }
        if path.ends_with("/transfer") || path.ends_with("/check-out") {
            self.refuses(422, &ACTIVATING);
        }
        if self.0.contains_key("requestBody") {
            self.refuses(400, &["MALFORMED_JSON", "BODY_INCOMPLETE"]);
            self.refuses(408, &["BODY_TOO_SLOW"]);
            self.refuses(413, &["BODY_TOO_LARGE"]);
            self.refuses(415, &["CONTENT_ENCODING_UNSUPPORTED"]);
            if !admin && !auth {
                self.refuses(422, &["NONCE_INVALID"]);
            }
        }
        if admin && list_export::items_of(&json!(self.0)).is_some() {
            self.is_exported();
        }
        if self.has_parameter("path") && credential {
            self.refuses(404, &[&not_found(path)]);
        }
        if path.starts_with("/api/admin/backups") {
            self.refuses(409, &["BACKUPS_NOT_SET_UP"]);
            self.refuses(503, &["BACKUP_STORE_UNAVAILABLE"]);
        }
        if self.names_parameter("If-Match") {
            self.refuses(412, &["PRECONDITION_FAILED"]);
            self.refuses(428, &["PRECONDITION_REQUIRED"]);
        }
        if method == "get" && credential {
            self.may_wait();
        } else if credential {
            self.changes(path, method);
        }
        self.show_headers(path, method, credential);
        self.name_problems();
        self.list_codes();
        self.type_headers();
    }

    /// A list, which is a file too.
    fn is_exported(&mut self) {
        if let Some(parameters) = self.0.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.extend(list_export::parameters());
        }
        if let Some(content) = self.0["responses"]["200"]["content"].as_object_mut() {
            content.insert("text/csv".to_owned(), json!({ "schema": { "type": "string" } }));
            let binary = json!({ "schema": { "type": "string", "format": "binary" } });
            content.insert("application/vnd.apache.parquet".to_owned(), binary);
        }
    }

    /// A step of an operator on the way in or out.
    fn signs_in(&mut self, method: &str) {
        self.refuses(429, &["RATE_LIMITED"]);
        self.refuses(503, &["UNAVAILABLE"]);
        if self.takes("session") {
            self.refuses(401, &["UNAUTHENTICATED"]);
        }
        if method == "get" {
            self.refuses(400, &["POSITION_INVALID"]);
            self.refuses(503, &["READ_MODEL_BEHIND"]);
        } else {
            self.refuses(403, &["CROSS_SITE_REFUSED"]);
            self.refuses(409, &["CONTENDED"]);
            self.refuses(429, &["LOGIN_RATE_LIMITED"]);
            self.refuses(503, &["OVERLOADED"]);
        }
        if self.has_parameter("path") {
            self.refuses(404, &["SESSION_NOT_FOUND"]);
        }
    }

    /// Every code of the operation, for whoever makes a client of the document.
    fn list_codes(&mut self) {
        let refusals = self
            .responses()
            .iter()
            .filter(|(status, _)| status.starts_with(['4', '5']));
        let texts = refusals.filter_map(|(_, response)| response.get("description")?.as_str());
        let is_code =
            |word: &&str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let codes: BTreeSet<String> = texts
            .flat_map(|text| text.split('`').filter(is_code))
            .map(str::to_owned)
            .collect();
        if !codes.is_empty() {
            self.0.insert("x-codes".to_owned(), json!(codes));
        }
    }

    /// What the request's headers and ids are.
    fn type_headers(&mut self) {
        let parameters = self.0.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let schema = match parameter["name"].as_str() {
                Some("Licet-Min-Position") => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
                Some("Idempotency-Key") => json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
                Some("If-Match") => {
                    json!({ "type": "string", "minLength": 1, "examples": ["\"5f0c1e7a9b3d4c2e8f6a1b0d\""] })
                }
                _ => continue,
            };
            parameter["schema"] = schema;
        }
    }

    /// A read that can be asked to know a position.
    fn may_wait(&mut self) {
        self.add_header(
            "Licet-Min-Position",
            "Wait, up to 5 s, until the answer knows of this position.",
        );
        self.refuses(400, &["POSITION_INVALID"]);
        self.refuses(503, &["READ_MODEL_BEHIND"]);
    }

    /// A change, which may lose a race, and which a key keeps from happening twice.
    fn changes(&mut self, path: &str, method: &str) {
        self.refuses(409, &["CONTENDED"]);
        self.refuses(503, &["OVERLOADED"]);
        let asks = ASKING.contains(&path) || path.ends_with("/simulate") || path.ends_with("/test");
        if method == "post" && !asks {
            self.add_header(
                "Idempotency-Key",
                "1 to 255 characters; for a day, the same request under it is answered again and not done again.",
            );
            self.refuses(409, &["IDEMPOTENCY_IN_FLIGHT"]);
            self.refuses(422, &["IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_INVALID"]);
        }
    }

    fn takes(&self, scheme: &str) -> bool {
        let schemes = self.0.get("security").and_then(Value::as_array);
        schemes.is_some_and(|schemes| schemes.iter().any(|one| one.get(scheme).is_some()))
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.0.get("parameters").and_then(Value::as_array).into_iter().flatten()
    }

    fn has_parameter(&self, place: &str) -> bool {
        self.parameters().any(|parameter| parameter["in"] == place)
    }

    fn names_parameter(&self, name: &str) -> bool {
        self.parameters().any(|parameter| parameter["name"] == name)
    }

    fn add_header(&mut self, name: &str, description: &str) {
        let parameter = json!({ "name": name, "in": "header", "required": false, "description": description,
            "schema": { "type": "string" } });
        let parameters = self.0.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(parameter);
        }
    }

    fn responses(&mut self) -> &mut Map<String, Value> {
        let responses = self.0.entry("responses").or_insert_with(|| json!({}));
        responses.as_object_mut().expect("responses are an object")
    }

    /// Adds codes to a status, unless the route names them itself.
    fn refuses(&mut self, status: u16, codes: &[&str]) {
        let fresh = || {
            json!({ "description": "", "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/Problem" } } } })
        };
        let response = self.responses().entry(status.to_string()).or_insert_with(fresh);
        let mut description = response["description"].as_str().unwrap_or_default().to_owned();
        for code in codes {
            let code = format!("`{code}`");
            if !description.contains(&code) {
                let between = if description.is_empty() { "" } else { ", " };
                description = format!("{description}{between}{code}");
            }
        }
        response["description"] = description.into();
    }

    fn show_headers(&mut self, path: &str, method: &str, credential: bool) {
        let one = path.starts_with("/api/admin") && path.ends_with("{id}");
        let asks = matches!(path, "/api/license/verify" | "/api/version/check");
        let changes = credential && method != "get" && !asks && !is_beside_the_log(path);
        for (status, response) in self.responses() {
            let mut headers = vec![("X-Request-Id", "The caller's, or a fresh one.")];
            if credential {
                headers.extend([
                    ("RateLimit-Limit", "How many requests there may be."),
                    ("RateLimit-Remaining", "How many are left."),
                    ("RateLimit-Reset", "In how many seconds there are more."),
                ]);
            }
            if status.starts_with('2') && changes {
                headers.push(("Licet-Position", "Where the change lies in the order of the log."));
            }
            if status == "201" && path.starts_with("/api/admin") {
                headers.push(("Location", "Where what was made is."));
            }
            if (status == "200" && one) || (status == "201" && path.starts_with("/api/admin")) {
                headers.push(("ETag", "For If-Match, where it can be edited."));
            }
            if matches!(status.as_str(), "409" | "429" | "503") {
                headers.push(("Retry-After", "In how many seconds to ask again."));
            }
            let headers = headers.into_iter().map(|(name, description)| {
                let counts = name.starts_with("RateLimit") || matches!(name, "Licet-Position" | "Retry-After");
                let kind = if counts { "integer" } else { "string" };
                let header = json!({ "description": description, "schema": { "type": kind } });
                (name.to_owned(), header)
            });
            response["headers"] = Value::Object(headers.collect());
        }
    }

    /// Errors are RFC 9457 problems.
    fn name_problems(&mut self) {
        for (status, response) in self.responses() {
            // Indexing for writing would put a `null` where there is none.
            let content = response.get_mut("content").and_then(Value::as_object_mut);
            if let Some(content) = content.filter(|_| status.starts_with(['4', '5']))
                && let Some(problem) = content.remove("application/json")
            {
                content.insert("application/problem+json".to_owned(), problem);
            }
        }
    }
}

/// What is not found under a path: the thing of its innermost collection that has an id.
fn not_found(path: &str) -> String {
    let collection = path.split_once("/{").map_or(path, |(collection, _)| collection);
    let is_of = |kind: &Kind| {
        let before = collection.strip_suffix(kind.collection);
        before.is_some_and(|before| before.ends_with('/'))
    };
    let mut kinds = RESOURCE_KINDS
        .iter()
        .chain(&[REPLAY, MAIL, BACKUP, BACKUP_RUN])
        .copied();
    let kind = kinds.find(is_of);
    kind.unwrap_or(License::KIND).code("NOT_FOUND")
}
