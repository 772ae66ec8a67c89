//! Issues licenses: all that were asked for, or none.

use std::collections::BTreeMap;

use licet_domain::{
    Decider as _, Resource as _,
    customer::Customer,
    license::{License, LicenseCommand, LicenseIssued, Overrides},
    policy::{DurationFrom, LivePolicy, Policy},
    product::Product,
    values::{CustomerId, LicenseId, LicenseKey, Sealed, Text, Timestamp},
};
use licet_event_store::{
    AppendError, Claim, LogTable, NewEvent, Precondition, StreamEvents, Submission, Tenant, Versioned,
    vault::{LookUpKey, Purpose, Sealer},
};
use serde_json::Value;

use super::EffectiveLicense;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// Licenses as they are asked for.
#[derive(Debug, Clone, Default)]
pub struct NewLicenses {
    /// Who gets them.
    pub customer_id: String,
    /// The policy, by code or id.
    pub policy: String,
    /// How many; 1 to 1,000.
    pub count: Option<i64>,
    /// Seats in place of the policy's.
    pub seats: Option<i64>,
    /// When they begin; absent is now.
    pub valid_from: Option<String>,
    /// When they end; absent is after the policy's duration.
    pub expires_at: Option<String>,
    /// Features on top of the policy's.
    pub features: Option<BTreeMap<String, Value>>,
    /// Limits on top of the policy's.
    pub limits: Option<BTreeMap<String, Value>>,
    /// Free text about them.
    pub note: Option<String>,
}

/// A license that was just issued, with its key in full.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// The license.
    pub effective: EffectiveLicense,
    /// The key.
    pub key: LicenseKey,
}

/// What every license of one request shares.
struct Batch {
    customer: CustomerId,
    policy: LivePolicy,
    count: usize,
    overrides: Overrides,
    valid_from: Timestamp,
    expires_at: Option<Timestamp>,
    note: Option<Sealed>,
}

impl Platform {
    /// Issues licenses of a living policy to a living customer.
    pub async fn issue_licenses(
        &self,
        context: &Context,
        new: NewLicenses,
        body: Body<'_, Vec<IssuedKey>>,
    ) -> Result<Done<Vec<IssuedKey>>, CommandError> {
        for _ in 0..8 {
            match self.try_issue(context, &new, body).await {
                // The policy or the customer has changed meanwhile: look at them again.
                Err(CommandError::Contended) => {}
                result => return result,
            }
        }
        Err(CommandError::Contended)
    }

    async fn try_issue(
        &self,
        context: &Context,
        new: &NewLicenses,
        body: Body<'_, Vec<IssuedKey>>,
    ) -> Result<Done<Vec<IssuedKey>>, CommandError> {
        let tenant = &context.tenant;
        let customer_id = new
            .customer_id
            .trim()
            .parse()
            .map_err(|_| CommandError::not_found(Customer::KIND))?;
        let customer: std::sync::Arc<Versioned<Customer>> = self.resources.customers.get(tenant, customer_id).await?;
        match &customer.state {
            Customer::Absent => return Err(CommandError::not_found(Customer::KIND)),
            Customer::Retired(_) => return Err(CommandError::retired(Customer::KIND)),
            Customer::Live(_) => {}
        }
        let (policy, policy_version) = self.live_policy(tenant, &new.policy).await?;
        let person = self.person_sealer(tenant, customer_id).await?;
        let batch = read(new, context, CustomerId(customer_id), policy, person.as_ref())?;
        let (look_up, sealer) = (
            self.look_up_key(tenant).await?,
            self.vault.sealer(tenant, Purpose::Tenant, "1").await?,
        );
        let product = self.resources.products.get(tenant, batch.policy.product_id.0).await?;
        let product = product.state.facts().ok_or(CommandError::not_found(Product::KIND))?;
        let mut submission = Self::submission(context, None);
        submission.preconditions = vec![
            unchanged(Customer::TYPE, customer_id.to_string(), customer.version),
            unchanged(Policy::TYPE, batch.policy.id.to_string(), policy_version),
        ];
        let mut issued = Vec::with_capacity(batch.count);
        for _ in 0..batch.count {
            let (state, key) = self.add(&mut submission, &batch, context, &look_up, &sealer)?;
            let versioned = Versioned {
                state,
                version: 1,
                position: 0,
            };
            let effective = EffectiveLicense::of(&versioned, batch.policy.clone(), product.clone());
            issued.push(IssuedKey { effective, key });
        }
        submission.idempotency = context.answer(|| body(&issued));
        let appended = match self.log.append(submission).await {
            Err(AppendError::Conflict {
                aggregate_type,
                aggregate_id,
            }) => {
                self.forget(tenant, aggregate_type, &aggregate_id);
                return Err(CommandError::Contended);
            }
            appended => appended?,
        };
        Ok(Done {
            value: issued,
            position: appended.position,
            changed: true,
        })
    }

    /// Adds one license with a fresh key to what is handed in.
    fn add(
        &self,
        submission: &mut Submission,
        batch: &Batch,
        context: &Context,
        look_up: &LookUpKey,
        sealer: &Sealer,
    ) -> Result<(License, LicenseKey), CommandError> {
        let (id, key) = (LicenseId(self.edge.id()), LicenseKey::from_random(self.edge.bytes()));
        let events = License::decide(
            &License::Absent,
            LicenseCommand::Issue(Box::new(LicenseIssued {
                license_id: id,
                customer_id: batch.customer,
                policy_id: batch.policy.id,
                policy_version: batch.policy.version,
                product_id: batch.policy.product_id,
                key_sealed: sealer.seal(&key.to_string()),
                key_masked: key.masked(),
                overrides: batch.overrides.clone(),
                valid_from: batch.valid_from,
                expires_at: batch.expires_at,
                awaits_machine: batch.expires_at.is_none()
                    && batch.policy.terms.duration_from == DurationFrom::FirstActivation,
                note: batch.note.clone(),
                at: context.now,
            })),
        )?;
        submission.claims.push(Claim {
            kind: "license_key",
            value_hash: look_up.hash("license_key", key.canonical()),
            aggregate_id: id.to_string(),
        });
        submission.streams.push(StreamEvents {
            table: LogTable::Events,
            aggregate_type: License::TYPE,
            aggregate_id: id.to_string(),
            expected_version: 0,
            events: events.iter().map(NewEvent::of).collect(),
        });
        Ok((events.iter().fold(License::Absent, License::evolve), key))
    }

    /// Drops what this node remembers of an aggregate that turned out to have changed.
    fn forget(&self, tenant: &Tenant, aggregate_type: &str, id: &str) {
        let Ok(id) = id.parse() else { return };
        match aggregate_type {
            Customer::TYPE => self.resources.customers.invalidate(tenant, id, u64::MAX),
            Policy::TYPE => self.resources.policies.invalidate(tenant, id, u64::MAX),
            _ => {}
        }
    }
}

fn unchanged(aggregate_type: &'static str, aggregate_id: String, version: u64) -> Precondition {
    Precondition::StreamUnchanged {
        aggregate_type,
        aggregate_id,
        version,
    }
}

fn read(
    new: &NewLicenses,
    context: &Context,
    customer: CustomerId,
    policy: LivePolicy,
    sealer: Option<&Sealer>,
) -> Result<Batch, CommandError> {
    let mut fields = Fields::new();
    let count: usize = fields.number("count", new.count, 1);
    if !(1..=1_000).contains(&count) {
        fields.complain("count", "OUT_OF_RANGE", "count must be 1 to 1,000");
    }
    let overrides = Overrides {
        seats: fields.optional_number("seats", Some(new.seats), None),
        features: fields.features("features", new.features.as_ref()).unwrap_or_default(),
        limits: fields.limits("limits", new.limits.as_ref()).unwrap_or_default(),
    };
    let valid_from = fields
        .time("valid_from", new.valid_from.as_deref())
        .unwrap_or(context.now);
    let by_policy = policy
        .terms
        .duration_from_creation()
        .map(|days| valid_from.plus_days(days));
    let expires_at = fields.time("expires_at", new.expires_at.as_deref()).or(by_policy);
    let note = fields.take_optional("note", new.note.as_deref(), Text::<2000>::parse);
    let note = note.and_then(|note| sealer.map(|sealer| sealer.seal(note.as_str())));
    fields.finish(Some(Batch {
        customer,
        policy,
        count,
        overrides,
        valid_from,
        expires_at,
        note,
    }))
}
