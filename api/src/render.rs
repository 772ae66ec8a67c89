//! Turns what commands and queries answer into the contract's shapes.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use licet_commands::license::{EffectiveLicense, Followed, Status};
use licet_contracts::{admin, license};
use licet_domain::{
    customer::Customer,
    license::{Activation, Standing},
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
    format!("\"{}\"", hex::encode(&digest[..12]))
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
pub(crate) fn limits(limits: &Limits) -> BTreeMap<String, Value> {
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

/// `active` or `retired`.
pub(crate) fn status(retired: bool) -> String {
    if retired { "retired" } else { "active" }.to_owned()
}

/// Whom a license was issued to, as long as that one is known.
pub(crate) struct Holder {
    /// Opens what is sealed for it: notes, and names of machines.
    pub(crate) sealer: Sealer,
    /// Its name.
    pub(crate) name: Option<String>,
}

impl Holder {
    pub(crate) fn of(sealer: Sealer, customer: &Customer) -> Self {
        let name = customer.facts().and_then(|facts| sealer.open(&facts.person.name).ok());
        Self { sealer, name }
    }
}

/// A license as operators see it; `holder` is whom it was issued to.
pub(crate) fn license(
    effective: &EffectiveLicense,
    key: Option<&str>,
    holder: Option<&Holder>,
    now: Timestamp,
) -> admin::License {
    let license = effective.license();
    let open = |sealed| holder.and_then(|holder| holder.sealer.open(sealed).ok());
    admin::License {
        id: effective.id().to_string(),
        key: key.map(str::to_owned),
        key_masked: license.issued.key_masked.clone(),
        status: effective.status(now).as_str().to_owned(),
        customer_id: license.issued.customer_id.to_string(),
        customer: holder.and_then(|holder| holder.name.clone()),
        policy_id: effective.policy.id.to_string(),
        policy: effective.policy.code.to_string(),
        policy_version: effective.policy.version,
        product: effective.product.code.to_string(),
        seats: effective.seats(),
        seats_override: license.overrides.seats,
        active: license.active,
        valid_from: license.valid_from.to_string(),
        expires_at: license.expires_at.map(|end| end.to_string()),
        features: features(&effective.features()),
        limits: limits(&effective.limits()),
        note: license.note.as_ref().and_then(open),
        created_at: license.issued.at.to_string(),
        last_seen_at: None,
    }
}

/// A license out of a list; `holder` is whom it was issued to.
pub(crate) fn license_row(
    row: &LicenseRow,
    followed: &Followed,
    holder: Option<&Holder>,
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
    let open = |sealed: &String| holder.and_then(|holder| holder.sealer.open(&Sealed(sealed.clone())).ok());
    admin::License {
        id: row.license_id.to_string(),
        key: None,
        key_masked: row.key_masked.clone(),
        status: Status::of(standing, window.phase(now)).as_str().to_owned(),
        customer_id: row.customer_id.to_string(),
        customer: holder.and_then(|holder| holder.name.clone()),
        policy_id: policy.id.to_string(),
        policy: policy.code.to_string(),
        policy_version: policy.version,
        product: followed.product.code.to_string(),
        seats: row
            .seats
            .and_then(|seats| u32::try_from(seats).ok())
            .unwrap_or(terms.seats),
        seats_override: row.seats.and_then(|seats| u32::try_from(seats).ok()),
        active: u32::try_from(row.active).unwrap_or_default(),
        valid_from: window.valid_from.to_string(),
        expires_at: window.expires_at.map(|end| end.to_string()),
        features: shown_features,
        limits: shown_limits,
        note: row.note_sealed.as_ref().and_then(open),
        created_at: Timestamp::from(row.issued_at).to_string(),
        last_seen_at: row.last_seen_at.map(|at| Timestamp::from(at).to_string()),
    }
}

/// What can be edited of a license: a new activation changes none of it.
pub(crate) fn license_editable(effective: &EffectiveLicense) -> Value {
    let license = effective.license();
    json!([
        effective.id(),
        *license.overrides,
        license.valid_from,
        license.expires_at,
        license.note,
        license.standing
    ])
}

/// A license as machines see it.
pub(crate) fn summary(effective: &EffectiveLicense, now: Timestamp) -> license::LicenseSummary {
    let license = effective.license();
    license::LicenseSummary {
        id: effective.id().to_string(),
        key_masked: license.issued.key_masked.clone(),
        status: effective.status(now).as_str().to_owned(),
        product: effective.product.code.to_string(),
        customer: license.issued.customer_id.to_string(),
        policy: effective.policy.code.to_string(),
        seats: effective.seats(),
        active: license.active,
        valid_from: license.valid_from.to_string(),
        expires_at: license.expires_at.map(|end| end.to_string()),
        features: features(&effective.features()),
        limits: amounts(&effective.limits()),
        min_version: effective.product.min_version.as_ref().map(ToString::to_string),
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
pub(crate) fn event(event: &RecordedEvent, data: Value, actor: admin::Actor) -> admin::Event {
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap_or_default();
    admin::Event {
        position: event.position,
        sequence: event.sequence,
        kind: event.event_type.clone(),
        version: event.event_version.clone(),
        data,
        recorded_at: Timestamp::from(event.recorded_at).to_string(),
        actor_kind: actor.kind.clone(),
        actor_id: actor.id.clone(),
        actor,
        request_id: metadata["request_id"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What kind of someone has caused an event, and which one.
pub(crate) fn actor(event: &RecordedEvent) -> (String, String) {
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap_or_default();
    let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    (text("actor_kind"), text("actor_id"))
}
