//! Turns what commands and queries answer into the contract's shapes.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use licet_commands::{
    customer::CustomerView,
    license::{Followed, InForce, Status},
    policy::PolicyView,
    product::ProductView,
};
use licet_contracts::{admin, license};
use licet_domain::{
    api_key::{IssuedApiKey, Scope},
    license::{Activation, Standing},
    release::PublishedRelease,
    validate::Window,
    values::{Features, Limits, Sealed, Timestamp},
};
use licet_event_store::{RecordedEvent, vault::Sealer};
use licet_projections::license_state::LicenseRow;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A shape as JSON text.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("answers hold only strings, numbers and maps with string keys")
}

/// An answer with a JSON body and further headers.
pub(crate) fn answer(status: StatusCode, body: String, headers: &[(HeaderName, String)]) -> Response {
    let mut response = (status, body).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `Licet-Position`.
pub(crate) fn position(position: i64) -> (HeaderName, String) {
    (HeaderName::from_static("licet-position"), position.to_string())
}

/// `Location` of a new resource.
pub(crate) fn location(collection: &str, id: &str) -> (HeaderName, String) {
    (header::LOCATION, format!("/api/admin/{collection}/{id}"))
}

/// An `ETag` over what can be edited.
pub(crate) fn etag(editable: &Value) -> String {
    let digest = Sha256::digest(editable.to_string());
    let short: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{short}\"")
}

/// Whether `If-Match` names this version. Proxies that compress make a tag weak, or write their coding into it: it is
/// the same version all the same.
pub(crate) fn matches(if_match: &str, editable: &Value) -> bool {
    let own = etag(editable);
    let own = own.trim_matches('"');
    if_match.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        let coding = tag.strip_prefix(own).map(|rest| rest.trim_start_matches(['-', ';']));
        tag == "*" || matches!(coding, Some("" | "gzip" | "br" | "zstd" | "deflate"))
    })
}

pub(crate) fn features(features: &Features) -> BTreeMap<String, Value> {
    features
        .iter()
        .map(|(name, feature)| (name.clone(), json!(feature)))
        .collect()
}

/// Limits as they were given, with what happens beyond them.
fn limits(limits: &Limits) -> BTreeMap<String, Value> {
    limits
        .iter()
        .map(|(meter, limit)| (meter.clone(), json!(limit)))
        .collect()
}

/// What is included of each meter.
pub(crate) fn amounts(limits: &Limits) -> BTreeMap<String, u64> {
    limits
        .iter()
        .map(|(meter, limit)| (meter.clone(), limit.amount))
        .collect()
}

fn status(retired: bool) -> String {
    if retired { "retired" } else { "active" }.to_owned()
}

pub(crate) fn product(view: &ProductView) -> admin::Product {
    let product = &view.product;
    admin::Product {
        id: product.id.to_string(),
        code: product.code.to_string(),
        name: product.name.as_str().to_owned(),
        version_scheme: product.version_scheme.as_str().to_owned(),
        min_version: product.min_version.as_ref().map(ToString::to_string),
        status: status(view.retired),
        created_at: product.created_at.to_string(),
    }
}

pub(crate) fn product_editable(view: &ProductView) -> Value {
    json!([
        view.product.id,
        view.product.name,
        view.product.version_scheme,
        view.product.min_version,
        view.retired
    ])
}

pub(crate) fn policy(view: &PolicyView) -> admin::Policy {
    let (policy, terms) = (&view.policy, &view.policy.terms);
    admin::Policy {
        id: policy.id.to_string(),
        code: policy.code.to_string(),
        product_id: policy.product_id.to_string(),
        version: policy.version,
        seats: terms.seats,
        duration_days: terms.duration_days,
        duration_from: json!(terms.duration_from).as_str().unwrap_or_default().to_owned(),
        grace_days: terms.grace_days,
        fingerprint_match: terms.fingerprint_match,
        fingerprint_extra: terms.fingerprint_extra.clone(),
        fingerprint_veto: terms.fingerprint_veto.clone(),
        heartbeat_interval_seconds: terms.heartbeat_interval_seconds,
        heartbeat_grace: terms.heartbeat_grace,
        lease_days: terms.lease_days,
        floating: terms.floating,
        max_transfers: terms.max_transfers,
        transfer_period_days: terms.transfer_period_days,
        features: features(&terms.features),
        limits: limits(&terms.limits),
        status: status(view.retired),
        created_at: policy.created_at.to_string(),
    }
}

pub(crate) fn policy_editable(view: &PolicyView) -> Value {
    json!([view.policy.id, *view.policy.terms, view.retired])
}

pub(crate) fn customer(view: &CustomerView) -> admin::Customer {
    let person = view.person.as_ref();
    admin::Customer {
        id: view.customer.id.to_string(),
        name: person.map(|person| person.name.clone()),
        email: person.map(|person| person.email.clone()),
        company: person.and_then(|person| person.company.clone()),
        forgotten: person.is_none(),
        status: status(view.retired),
        created_at: view.customer.created_at.to_string(),
    }
}

pub(crate) fn customer_editable(view: &CustomerView) -> Value {
    json!([view.customer.id, view.customer.person, view.retired])
}

pub(crate) fn release(release: &PublishedRelease) -> admin::Release {
    let published = &release.published;
    admin::Release {
        id: published.release_id.to_string(),
        product_id: published.product_id.to_string(),
        version: published.version.to_string(),
        channel: published.channel.to_string(),
        mandatory: published.mandatory,
        min_version: published.min_version.as_ref().map(ToString::to_string),
        download_url: published.download_url.as_ref().map(|url| url.as_str().to_owned()),
        sha256: published.sha256.as_ref().map(|digest| digest.as_str().to_owned()),
        notes: published.notes.as_ref().map(|notes| notes.as_str().to_owned()),
        rollout_percent: release.rollout_percent,
        status: if release.yanked { "yanked" } else { "published" }.to_owned(),
        created_at: published.at.to_string(),
    }
}

pub(crate) fn release_editable(release: &PublishedRelease) -> Value {
    json!([release.published.release_id, release.rollout_percent, release.yanked])
}

pub(crate) fn api_key(
    key: &IssuedApiKey,
    secret: Option<&str>,
    last_used: Option<Timestamp>,
    now: Timestamp,
) -> admin::ApiKey {
    let created = &key.created;
    let scope = |scope: &Scope| json!(scope).as_str().unwrap_or_default().to_owned();
    let status = match (key.revoked_at, key.is_live(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    };
    admin::ApiKey {
        id: created.api_key_id.to_string(),
        key: secret.map(str::to_owned),
        prefix: created.prefix.clone(),
        name: created.name.as_str().to_owned(),
        scopes: created.scopes.iter().map(scope).collect(),
        expires_at: created.expires_at.map(|end| end.to_string()),
        last_used_at: last_used.map(|at| at.to_string()),
        status: status.to_owned(),
        created_at: created.at.to_string(),
    }
}

pub(crate) fn api_key_editable(key: &IssuedApiKey) -> Value {
    json!([key.created.api_key_id, key.revoked_at])
}

/// A license as operators see it; `person` opens its note.
pub(crate) fn license(
    in_force: &InForce,
    key: Option<&str>,
    person: Option<&Sealer>,
    now: Timestamp,
) -> admin::License {
    let license = in_force.license();
    let open = |sealed| person.and_then(|sealer| sealer.open(sealed).ok());
    admin::License {
        id: in_force.id().to_string(),
        key: key.map(str::to_owned),
        key_masked: license.issued.key_masked.clone(),
        status: in_force.status(now).as_str().to_owned(),
        customer_id: license.issued.customer_id.to_string(),
        policy_id: in_force.policy.id.to_string(),
        policy: in_force.policy.code.to_string(),
        policy_version: in_force.policy.version,
        product: in_force.product.code.to_string(),
        seats: in_force.seats(),
        active: license.active,
        valid_from: license.valid_from.to_string(),
        expires_at: license.expires_at.map(|end| end.to_string()),
        features: features(&in_force.features()),
        limits: limits(&in_force.limits()),
        note: license.note.as_ref().and_then(open),
        created_at: license.issued.at.to_string(),
    }
}

/// A license out of a list; `person` opens its note.
pub(crate) fn license_row(
    row: &LicenseRow,
    followed: &Followed,
    person: Option<&Sealer>,
    now: Timestamp,
) -> admin::License {
    let (policy, terms) = (&followed.policy, &followed.policy.terms);
    let window = Window {
        valid_from: row.valid_from.into(),
        expires_at: row.expires_at.map(Into::into),
        grace_days: terms.grace_days,
    };
    let standing = match row.standing.as_str() {
        "suspended" => Standing::Suspended,
        "revoked" => Standing::Revoked,
        "retired" => Standing::Retired,
        _ => Standing::Active,
    };
    // The row holds what the license has on top of its policy.
    let over = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).unwrap_or_default();
    let mut shown_features = features(&terms.features);
    shown_features.extend(over(&row.features));
    let mut shown_limits = limits(&terms.limits);
    shown_limits.extend(over(&row.limits));
    let open = |sealed: &String| person.and_then(|sealer| sealer.open(&Sealed(sealed.clone())).ok());
    admin::License {
        id: row.license_id.to_string(),
        key: None,
        key_masked: row.key_masked.clone(),
        status: Status::of(standing, window.phase(now)).as_str().to_owned(),
        customer_id: row.customer_id.to_string(),
        policy_id: policy.id.to_string(),
        policy: policy.code.to_string(),
        policy_version: policy.version,
        product: followed.product.code.to_string(),
        seats: row
            .seats
            .and_then(|seats| u32::try_from(seats).ok())
            .unwrap_or(terms.seats),
        active: u32::try_from(row.active).unwrap_or_default(),
        valid_from: window.valid_from.to_string(),
        expires_at: window.expires_at.map(|end| end.to_string()),
        features: shown_features,
        limits: shown_limits,
        note: row.note_sealed.as_ref().and_then(open),
        created_at: Timestamp::from(row.issued_at).to_string(),
    }
}

/// What can be edited of a license: a new activation changes none of it.
pub(crate) fn license_editable(in_force: &InForce) -> Value {
    let license = in_force.license();
    json!([
        in_force.id(),
        *license.overrides,
        license.valid_from,
        license.expires_at,
        license.note,
        license.standing
    ])
}

/// A license as machines see it.
pub(crate) fn summary(in_force: &InForce, now: Timestamp) -> license::LicenseSummary {
    let license = in_force.license();
    license::LicenseSummary {
        id: in_force.id().to_string(),
        key_masked: license.issued.key_masked.clone(),
        status: in_force.status(now).as_str().to_owned(),
        product: in_force.product.code.to_string(),
        customer: license.issued.customer_id.to_string(),
        policy: in_force.policy.code.to_string(),
        seats: in_force.seats(),
        active: license.active,
        valid_from: license.valid_from.to_string(),
        expires_at: license.expires_at.map(|end| end.to_string()),
        features: features(&in_force.features()),
        limits: amounts(&in_force.limits()),
        min_version: in_force.product.min_version.as_ref().map(ToString::to_string),
    }
}

/// A machine of a license; `person` opens its name.
pub(crate) fn activation(
    activation: &Activation,
    seen: Option<Timestamp>,
    person: Option<&Sealer>,
) -> license::ActivationSummary {
    let activated = &activation.activated;
    let open = |sealed| person.and_then(|sealer| sealer.open(sealed).ok());
    license::ActivationSummary {
        activation_id: activated.activation_id.to_string(),
        hostname: activated.hostname.as_ref().and_then(open),
        os: activated.os.clone(),
        app_version: activated
            .app_version
            .as_ref()
            .map(|version| version.as_str().to_owned()),
        activated_at: activated.at.to_string(),
        last_seen_at: Some(seen.unwrap_or(activated.at).to_string()),
        status: activation.status().to_owned(),
    }
}

/// An event as history shows it.
pub(crate) fn event(event: &RecordedEvent) -> admin::Event {
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap_or_default();
    let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    admin::Event {
        position: event.position,
        sequence: event.sequence,
        kind: event.event_type.clone(),
        version: event.event_version.clone(),
        data: serde_json::from_str(&event.payload).unwrap_or_default(),
        recorded_at: Timestamp::from(event.recorded_at).to_string(),
        actor_kind: text("actor_kind"),
        actor_id: text("actor_id"),
        request_id: text("request_id"),
    }
}
