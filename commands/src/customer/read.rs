//! What is shown of a customer: what was sealed is opened here.

use std::collections::HashMap;

use licet_domain::{Resource as _, customer::Customer, values::Sealed};
use licet_event_store::{
    Tenant,
    vault::{Purpose, Sealer, VaultError},
};

use uuid::Uuid;

use crate::{CommandError, Platform};

/// A customer as it is answered.
#[derive(Debug, Clone)]
pub struct CustomerView {
    /// The customer, its person still sealed.
    pub customer: Customer,
    /// Who it is; `None` once it was forgotten.
    pub person: Option<PersonView>,
}

/// Who a customer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The company.
    pub company: Option<String>,
}

impl CustomerView {
    /// Opens a customer's data; without a sealer the customer was forgotten.
    pub fn open(state: &Customer, sealer: Option<&Sealer>) -> Result<Self, CommandError> {
        let facts = state.facts().ok_or(CommandError::not_found(Customer::KIND))?;
        let person = sealer.map(|sealer| -> Result<_, VaultError> {
            let open = |sealed: &Sealed| sealer.open(sealed);
            let company = facts.person.company.as_ref().map(open).transpose()?;
            Ok(PersonView {
                name: open(&facts.person.name)?,
                email: open(&facts.person.email)?,
                company,
            })
        });
        Ok(Self {
            person: person.transpose()?,
            customer: state.clone(),
        })
    }
}

impl Platform {
    /// The key of a person's data; `None` once it was destroyed.
    pub async fn person_sealer(
        &self,
        tenant: &Tenant,
        id: impl std::fmt::Display,
    ) -> Result<Option<Sealer>, CommandError> {
        match self.vault.sealer(tenant, Purpose::Person, &id.to_string()).await {
            Ok(sealer) => Ok(Some(sealer)),
            Err(VaultError::Forgotten) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys of several people's data, in one look at the vault; whoever was forgotten is missing.
    pub async fn person_sealers(&self, tenant: &Tenant, ids: &[Uuid]) -> Result<HashMap<Uuid, Sealer>, CommandError> {
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        self.vault.open_all(tenant, Purpose::Person, &names).await?;
        let mut sealers = HashMap::with_capacity(ids.len());
        for id in ids {
            if let Some(sealer) = self.person_sealer(tenant, id).await? {
                sealers.insert(*id, sealer);
            }
        }
        Ok(sealers)
    }
}
