//! Events as people and other systems are shown them: personal data as it reads, while its person is known; secrets, and
//! what proves them, not at all.

use licet_domain::{Decider as _, customer::Customer, license::License, operator::Operator, values::Sealed};
use licet_event_store::{RecordedEvent, Tenant, vault::Sealer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{CommandError, Platform};

/// What lets an operator in, and digests of it: whoever has one could tell a guess that is right.
const PROOFS: [&str; 5] = ["invitation", "recovery_codes", "code", "password", "secret"];

impl Platform {
    /// What an event says, for whoever may read what it is about.
    pub async fn disclose(&self, tenant: &Tenant, event: &RecordedEvent) -> Result<Value, CommandError> {
        let mut data: Value = serde_json::from_str(&event.payload).unwrap_or_default();
        let Some(fields) = data.as_object_mut() else {
            return Ok(data);
        };
        if event.aggregate_type == Operator::TYPE {
            fields.retain(|name, _| !PROOFS.contains(&&name[..]));
        }
        if has_sealed(fields) {
            let person = self.person_of(tenant, event).await?;
            open(fields, person.as_ref());
        }
        Ok(data)
    }

    /// The key of the customer or operator that an event is about; `None` for other events, and for who was forgotten.
    async fn person_of(&self, tenant: &Tenant, event: &RecordedEvent) -> Result<Option<Sealer>, CommandError> {
        let Ok(id) = event.aggregate_id.parse::<Uuid>() else {
            return Ok(None);
        };
        let person = match event.aggregate_type.as_str() {
            Customer::TYPE | Operator::TYPE => Some(id),
            License::TYPE => {
                let license = self.licenses.get(tenant, id).await?;
                license.state.facts().map(|license| license.issued.customer_id.0)
            }
            _ => None,
        };
        match person {
            None => Ok(None),
            Some(person) => self.person_sealer(tenant, person).await,
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
