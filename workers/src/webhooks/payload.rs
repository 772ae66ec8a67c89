//! What a target is told of an event: personal data as it reads, while its person is known; secrets not at all.

use licet_commands::Platform;
use licet_domain::{Decider as _, customer::Customer, license::License, values::Sealed};
use licet_event_store::{RecordedEvent, Tenant, vault::Sealer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{WorkerError, relay::envelope};

/// The message about an event.
pub(super) async fn message(
    platform: &Platform,
    log_id: Uuid,
    tenant: &Tenant,
    event: &RecordedEvent,
) -> Result<Value, WorkerError> {
    let mut message = envelope(log_id, event);
    let person = person_of(platform, tenant, event).await?;
    if let Some(data) = message["data"].as_object_mut() {
        open(data, person.as_ref());
    }
    Ok(message)
}

/// The key of the customer that an event is about; `None` for other events, and for who was forgotten.
async fn person_of(platform: &Platform, tenant: &Tenant, event: &RecordedEvent) -> Result<Option<Sealer>, WorkerError> {
    let Ok(id) = event.aggregate_id.parse::<Uuid>() else {
        return Ok(None);
    };
    let customer = match event.aggregate_type.as_str() {
        Customer::TYPE => Some(id),
        License::TYPE => {
            let license = platform.licenses.get(tenant, id).await;
            let license = license.map_err(|error| WorkerError::of("reading a license")(error.into()))?;
            license.state.facts().map(|license| license.issued.customer_id.0)
        }
        _ => None,
    };
    match customer {
        None => Ok(None),
        Some(customer) => {
            let sealer = platform.person_sealer(tenant, customer).await;
            sealer.map_err(|error| WorkerError::of("opening a customer's data")(error.into()))
        }
    }
}

/// Opens what is the person's, and leaves out whatever else is sealed: keys, secrets, and data of who was forgotten.
fn open(data: &mut Map<String, Value>, person: Option<&Sealer>) {
    data.retain(|_, value| {
        let Some(text) = value.as_str().filter(|text| Sealed::is_sealed(text)) else {
            return true;
        };
        let opened = person.and_then(|person| person.open(&Sealed(text.to_owned())).ok());
        let kept = opened.is_some();
        *value = opened.into();
        kept
    });
}
