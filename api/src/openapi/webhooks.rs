//! What targets of webhooks get: the document's `webhooks` section, one entry for each type of event.

use licet_domain::event_types;
use serde_json::{Map, Value, json};

/// Adds the section, and the schema that its messages share.
pub(super) fn describe(document: &mut Value) {
    document["components"]["schemas"]["WebhookMessage"] = message();
    let entries = event_types().map(|name| (name.to_owned(), entry(name)));
    document["webhooks"] = Value::Object(
        entries
            .chain([("webhook.test".to_owned(), entry("webhook.test"))])
            .collect(),
    );
}

fn entry(event_type: &str) -> Value {
    let operation = format!("receive_{}", event_type.replace('.', "_"));
    let header = |name: &str, description: &str| {
        json!({ "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string" } })
    };
    let responses: Map<String, Value> = [
        ("2XX", "Taken."),
        ("410", "Wanted no more: the webhook is retired."),
        ("429", "Too many; asked again after `Retry-After`."),
        ("503", "Not now; asked again after `Retry-After`."),
        ("default", "Not taken; tried again for three days."),
    ]
    .into_iter()
    .map(|(status, description)| (status.to_owned(), json!({ "description": description })))
    .collect();
    json!({ "post": {
        "operationId": operation,
        "summary": format!("Be told of `{event_type}`"),
        "tags": ["webhook messages"],
        "security": [],
        "parameters": [
            header("webhook-id", "The same each time that this event is sent: by it, one that comes twice is known."),
            header("webhook-timestamp", "When it was sent, in seconds since 1970."),
            header("webhook-signature", "`v1,` and an HMAC-SHA-256 under the webhook's secret (Standard Webhooks 1.0)."),
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "allOf": [
                { "$ref": "#/components/schemas/WebhookMessage" },
                { "type": "object", "properties": { "type": { "type": "string", "const": event_type } } },
            ]
        } } } },
        "responses": responses,
    } })
}

fn message() -> Value {
    json!({
        "type": "object",
        "description": "An event as a target is told of it. Personal data reads in the clear while its person is known; \
            secrets, keys, and data of who was forgotten are left out. A test message has `type`, `timestamp` and `data` \
            alone.",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": { "type": "string", "description": "Such as `license.revoked`." },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it was recorded." },
            "log_id": { "type": "string", "format": "uuid", "description": "Which installation." },
            "position": { "type": "integer", "format": "int64", "description": "Its place in the one order of events." },
            "tenant_id": { "type": "string" },
            "aggregate_type": { "type": "string", "description": "What it is about, such as `license`." },
            "aggregate_id": { "type": "string", "description": "About which." },
            "sequence": { "type": "integer", "format": "int64", "description": "Its place in that one's history, from 1." },
            "version": { "type": "string", "description": "The version of the shape of `data`." },
            "data": { "type": "object", "additionalProperties": true, "description": "What happened." },
        },
    })
}
