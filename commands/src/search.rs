//! What things are called, for search: opened here, and kept as hashes.

use std::sync::Arc;

use licet_domain::{
    Decider,
    customer::Customer,
    license::Standing,
    operator::Operator,
    policy::{LivePolicy, Policy},
    product::{LiveProduct, Product},
    search,
};
use licet_event_store::{Aggregates, ReadError, Tenant, Versioned};
use uuid::Uuid;

use crate::{
    CommandError, Platform,
    customer::{CustomerView, PersonView},
};

/// What `search` hashes are hashed as.
const TERM: &str = "search";

/// How new what is told has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As this node remembers it: for people, who look again.
    Remembered,
    /// As it is in the log: for what is kept.
    Newest,
}

/// How a thing is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is called first.
    pub title: String,
    /// What tells it from others of that name.
    pub detail: String,
    /// What finds it.
    pub text: String,
    /// Whether it is out of use: lists find it, where they are asked for what is.
    pub retired: bool,
}

impl Named {
    fn retired(self, retired: bool) -> Self {
        Self { retired, ..self }
    }
}

impl Platform {
    /// The hashes under which a text is kept.
    pub async fn terms(&self, tenant: &Tenant, text: &str) -> Result<Vec<i64>, CommandError> {
        let terms = search::terms(text);
        self.hashes(tenant, terms.iter().map(String::as_str)).await
    }

    /// For each word that was typed, the hashes of which a text has one that has the word.
    pub async fn typed(&self, tenant: &Tenant, typed: &str) -> Result<Vec<Vec<i64>>, CommandError> {
        let mut words = Vec::new();
        for word in search::typed(typed) {
            words.push(self.hashes(tenant, word.iter().map(String::as_str)).await?);
        }
        Ok(words)
    }

    async fn hashes(&self, tenant: &Tenant, terms: impl Iterator<Item = &str>) -> Result<Vec<i64>, CommandError> {
        let key = self.look_up_key(tenant).await?;
        let short = |term: &str| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&key.hash(TERM, term.as_bytes())[..8]);
            i64::from_be_bytes(bytes)
        };
        Ok(terms.map(short).collect())
    }

    /// How a thing is called now; `None` where it was forgotten, or is of a kind that has no names.
    pub async fn named(
        &self,
        tenant: &Tenant,
        kind: &str,
        id: Uuid,
        look: Look,
    ) -> Result<Option<Named>, CommandError> {
        match kind {
            "customer" => self.named_customer(tenant, id, look).await,
            "operator" => self.named_operator(tenant, id, look).await,
            "license" => self.named_license(tenant, id, look).await,
            "product" => {
                let known = look_at(self.of::<Product>(), tenant, id, look).await?;
                let named = |facts: &LiveProduct| named(facts.name.as_str(), facts.code.as_str(), "");
                Ok(known
                    .state
                    .facts()
                    .map(|facts| named(facts).retired(known.state.is_retired())))
            }
            "policy" => {
                let known = look_at(self.of::<Policy>(), tenant, id, look).await?;
                let named = |facts: &LivePolicy| named(facts.code.as_str(), "", "");
                Ok(known
                    .state
                    .facts()
                    .map(|facts| named(facts).retired(known.state.is_retired())))
            }
            _ => Ok(None),
        }
    }

    async fn named_customer(&self, tenant: &Tenant, id: Uuid, look: Look) -> Result<Option<Named>, CommandError> {
        let known = look_at(self.of::<Customer>(), tenant, id, look).await?;
        if known.state.facts().is_none_or(|customer| customer.forgotten) {
            return Ok(None);
        }
        let sealer = self.person_sealer(tenant, id).await?;
        let person = CustomerView::open(&known.state, sealer.as_ref())?.person;
        let named = |person: &PersonView| match &person.company {
            Some(company) => named(&person.name, company, &person.email),
            None => named(&person.name, &person.email, ""),
        };
        Ok(person.map(|person| named(&person).retired(known.state.is_retired())))
    }

    async fn named_operator(&self, tenant: &Tenant, id: Uuid, look: Look) -> Result<Option<Named>, CommandError> {
        let known = look_at(self.of::<Operator>(), tenant, id, look).await?;
        let Some(facts) = known.state.facts() else {
            return Ok(None);
        };
        let person = self.operator_person(tenant, facts).await?;
        Ok(Some(named(&person.name, &person.email, "")))
    }

    /// Licenses are called by their key, which is looked up otherwise; their notes are found here.
    async fn named_license(&self, tenant: &Tenant, id: Uuid, look: Look) -> Result<Option<Named>, CommandError> {
        let known = look_at(&self.licenses, tenant, id, look).await?;
        let Some(facts) = known.state.facts().filter(|facts| facts.standing != Standing::Retired) else {
            return Ok(None);
        };
        let Some(note) = &facts.note else {
            return Ok(None);
        };
        let customer = facts.issued.customer_id.0;
        // The log says who was forgotten sooner than a key in memory does.
        let holder = look_at(self.of::<Customer>(), tenant, customer, look).await?;
        if holder.state.facts().is_none_or(|customer| customer.forgotten) {
            return Ok(None);
        }
        let Some(sealer) = self.person_sealer(tenant, customer).await? else {
            return Ok(None);
        };
        let note = sealer.open(note)?;
        // A key is found whole or by its end, not by what all of them have in common.
        Ok(Some(Named {
            title: facts.issued.key_masked.clone(),
            text: note.clone(),
            detail: note,
            retired: false,
        }))
    }
}

async fn look_at<D: Decider>(
    aggregates: &Aggregates<D>,
    tenant: &Tenant,
    id: Uuid,
    look: Look,
) -> Result<Arc<Versioned<D::State>>, ReadError> {
    match look {
        Look::Remembered => aggregates.get(tenant, id).await,
        Look::Newest => aggregates.fresh(tenant, id).await,
    }
}

/// Something that is found by everything that is told of it, and by something else.
fn named(title: &str, detail: &str, further: &str) -> Named {
    Named {
        title: title.to_owned(),
        detail: detail.to_owned(),
        text: format!("{title}\n{detail}\n{further}"),
        retired: false,
    }
}
