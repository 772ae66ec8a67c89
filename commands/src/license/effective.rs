//! A license with the policy and the product that it follows at this moment.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use licet_domain::{
    Resource as _,
    license::{IssuedLicense, License, Standing},
    policy::{LivePolicy, Policy, Terms},
    product::{LiveProduct, Product},
    validate::{Machine, Phase, Request, Subject, Verdict, validate},
    values::{Features, LicenseId, Limits, Timestamp, Version},
};
use licet_event_store::{Tenant, Versioned};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{CommandError, Platform};

/// A license with the policy and the product that it follows.
#[derive(Debug, Clone)]
pub struct EffectiveLicense {
    license: License,
    /// Its policy.
    pub policy: LivePolicy,
    /// Its product.
    pub product: LiveProduct,
    /// The position of the license's newest event.
    pub position: i64,
    /// The sequence of the license's newest event.
    pub version: u64,
}

/// What a license's status is called on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It works.
    Active,
    /// It is stopped for a while.
    Suspended,
    /// It was ended for good.
    Revoked,
    /// Its end has come; it may still be in grace.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is out of the books.
    Retired,
}

impl Status {
    /// What comes of how a license stands and of the time.
    pub fn of(standing: Standing, phase: Phase) -> Self {
        match (standing, phase) {
            (Standing::Retired, _) => Self::Retired,
            (Standing::Revoked, _) => Self::Revoked,
            (Standing::Suspended, _) => Self::Suspended,
            (Standing::Active, Phase::NotYet) => Self::NotYetValid,
            (Standing::Active, Phase::Grace | Phase::Over { .. }) => Self::Expired,
            (Standing::Active, Phase::Valid) => Self::Active,
        }
    }

    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Retired => "retired",
        }
    }
}

impl EffectiveLicense {
    /// The license.
    pub fn license(&self) -> &IssuedLicense {
        self.license.facts().expect("only issued licenses are put in force")
    }

    /// The license's id.
    pub fn id(&self) -> LicenseId {
        self.license().issued.license_id
    }

    /// The policy's terms.
    pub fn terms(&self) -> &Arc<Terms> {
        &self.policy.terms
    }

    /// The features in force.
    pub fn features(&self) -> Cow<'_, Features> {
        self.license().features(self.terms())
    }

    /// The limits in force.
    pub fn limits(&self) -> Cow<'_, Limits> {
        self.license().limits(self.terms())
    }

    /// How many seats there are.
    pub fn seats(&self) -> u32 {
        self.license().seats(self.terms())
    }

    /// A program's version as its product writes them; an empty one is absent.
    pub fn read_version(&self, text: Option<&str>) -> Result<Option<Version>, CommandError> {
        let text: Option<String> = text.map(|text| text.chars().filter(|c| !c.is_control()).collect());
        let text = text.filter(|text| !text.trim().is_empty());
        let read = text.map(|text| self.product.version_scheme.read(&text));
        read.transpose().map_err(CommandError::VersionInvalid)
    }

    /// How it stands at a moment.
    pub fn status(&self, now: Timestamp) -> Status {
        Status::of(self.license().standing, self.license().window(self.terms()).phase(now))
    }

    /// Says whether a machine may run.
    pub(super) fn validate(&self, machine: Machine, request: &Request<'_>, now: Timestamp) -> Verdict {
        let (features, limits) = (self.features(), self.limits());
        let subject = Subject {
            standing: self.license().standing,
            window: self.license().window(self.terms()),
            features: &features,
            limits: &limits,
            min_version: self.product.min_version.as_ref(),
            machine,
        };
        validate(Some(&subject), request, now)
    }

    /// Whether the license itself gives seats at a moment.
    pub(super) fn is_usable(&self, now: Timestamp) -> bool {
        let phase = self.license().window(self.terms()).phase(now);
        self.license().standing == Standing::Active && matches!(phase, Phase::Valid | Phase::Grace)
    }

    /// What decided about a machine, by name, as refusals keep it.
    pub(super) fn facts(&self, totals: &[(String, u64)], now: Timestamp) -> BTreeMap<String, Value> {
        let license = self.license();
        let mut facts = BTreeMap::from([
            ("status".to_owned(), json!(self.status(now).as_str())),
            ("valid_from".to_owned(), json!(license.valid_from)),
            ("seats".to_owned(), json!(self.seats())),
            ("active".to_owned(), json!(license.active)),
        ]);
        if let Some(end) = license.expires_at {
            facts.insert("expires_at".to_owned(), json!(end));
            facts.insert("grace_days".to_owned(), json!(self.terms().grace_days));
        }
        if let Some(minimum) = &self.product.min_version {
            facts.insert("min_version".to_owned(), json!(minimum));
        }
        if !totals.is_empty() {
            let used: BTreeMap<_, _> = totals.iter().cloned().collect();
            facts.insert("used".to_owned(), json!(used));
            facts.insert("limits".to_owned(), json!(*self.limits()));
        }
        facts
    }

    /// A license that was just issued, with what it was issued under.
    pub(super) fn of(license: &Versioned<License>, policy: LivePolicy, product: LiveProduct) -> Self {
        let (position, version) = (license.position, license.version);
        Self {
            license: license.state.clone(),
            policy,
            product,
            position,
            version,
        }
    }

    /// The same with another state of the license.
    pub(super) fn with(&self, license: &License) -> Result<Self, CommandError> {
        let version = license.facts().ok_or(CommandError::not_found(License::KIND))?.sequence;
        Ok(Self {
            license: license.clone(),
            version,
            ..self.clone()
        })
    }
}

/// What licenses of one kind follow.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Their policy.
    pub policy: LivePolicy,
    /// Their product.
    pub product: LiveProduct,
}

impl Platform {
    /// What a license follows that is known by its policy and product, as rows of lists are.
    pub async fn terms_of(&self, tenant: &Tenant, policy: Uuid, product: Uuid) -> Result<Followed, CommandError> {
        let policy = self.resources.policies.get(tenant, policy).await?;
        let product = self.resources.products.get(tenant, product).await?;
        Ok(Followed {
            policy: policy
                .state
                .facts()
                .ok_or(CommandError::not_found(Policy::KIND))?
                .clone(),
            product: product
                .state
                .facts()
                .ok_or(CommandError::not_found(Product::KIND))?
                .clone(),
        })
    }

    /// Puts a license together with what it follows now.
    pub async fn effective(
        &self,
        tenant: &Tenant,
        license: &Versioned<License>,
    ) -> Result<EffectiveLicense, CommandError> {
        let facts = license.state.facts().ok_or(CommandError::not_found(License::KIND))?;
        let policy = self.resources.policies.get(tenant, facts.issued.policy_id.0).await?;
        let product = self.resources.products.get(tenant, facts.issued.product_id.0).await?;
        together(license, &policy.state, &product.state)
    }

    /// Puts a license together with what it followed, all as of a position.
    pub async fn effective_as_of(
        &self,
        tenant: &Tenant,
        id: LicenseId,
        position: i64,
    ) -> Result<EffectiveLicense, CommandError> {
        let license = self.licenses.as_of(tenant, id.0, position).await?;
        let facts = license.state.facts().ok_or(CommandError::not_found(License::KIND))?;
        let policy = self
            .resources
            .policies
            .as_of(tenant, facts.issued.policy_id.0, position)
            .await?;
        let product = self
            .resources
            .products
            .as_of(tenant, facts.issued.product_id.0, position)
            .await?;
        together(&license, &policy.state, &product.state)
    }
}

fn together(
    license: &Versioned<License>,
    policy: &Policy,
    product: &Product,
) -> Result<EffectiveLicense, CommandError> {
    Ok(EffectiveLicense {
        license: license.state.clone(),
        policy: policy.facts().ok_or(CommandError::not_found(Policy::KIND))?.clone(),
        product: product.facts().ok_or(CommandError::not_found(Product::KIND))?.clone(),
        position: license.position,
        version: license.version,
    })
}
