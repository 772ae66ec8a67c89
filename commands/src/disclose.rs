//! Events as people and other systems are shown them: personal data as it reads, while its person is known; secrets not at
//! all.

use licet_domain::{Decider as _, customer::Customer, license::License, values::Sealed};
use licet_event_store::{RecordedEvent, Tenant, vault::Sealer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{CommandError, Platform};

impl Platform {
    /// What an event says, for whoever may read what it is about.
    pub async fn disclose(&self, tenant: &Tenant, event: &RecordedEvent) -> Result<Value, CommandError> {
        let mut data: Value = serde_json::from_str(&event.payload).unwrap_or_default();
        if let Some(fields) = data.as_object_mut().filter(|fields| has_sealed(fields)) {
            let person = self.person_of(tenant, event).await?;
            open(fields, person.as_ref());
        }
        Ok(data)
    }

    /// The key of the customer that an event is about; `None` for other events, and for who was forgotten.
    async fn person_of(&self, tenant: &Tenant, event: &RecordedEvent) -> Result<Option<Sealer>, CommandError> {
        let Ok(id) = event.aggregate_id.parse::<Uuid>() else {
            return Ok(None);
        };
        let customer = match event.aggregate_type.as_str() {
            Customer::TYPE => Some(id),
            License::TYPE => {
                let license = self.licenses.get(tenant, id).await?;
                license.state.facts().map(|license| license.issued.customer_id.0)
            }
            _ => None,
        };
        match customer {
            None => Ok(None),
            Some(customer) => self.person_sealer(tenant, customer).await,
        }
    }
}

fn is_sealed(value: &Value) -> bool {
    value.as_str().is_some_and(Sealed::is_sealed)
}

fn has_sealed(fields: &Map<String, Value>) -> bool {
    fields.values().any(is_sealed)
}

/// Opens what is the person's, and leaves out whatever else is sealed: keys, secrets, and data of who was forgotten.
fn open(fields: &mut Map<String, Value>, person: Option<&Sealer>) {
    fields.retain(|_, value| {
        let Some(text) = value.as_str().filter(|text| Sealed::is_sealed(text)) else {
            return true;
        };
        let opened = person.and_then(|person| person.open(&Sealed(text.to_owned())).ok());
        let kept = opened.is_some();
        *value = opened.into();
        kept
    });
}
