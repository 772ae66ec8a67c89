//! What a license's events amount to.
//!
//! The maps are persistent: a clone shares its structure, so that the ten-thousandth machine costs what the first did.

use std::{borrow::Cow, sync::Arc};

use rpds::{HashTrieMapSync, HashTrieSetSync, VectorSync};
use serde::{Deserialize, Serialize};

use super::{
    command::Overrides,
    event::{LicenseEvent, LicenseIssued},
    machines::Activation,
};
use crate::{
    policy::Terms,
    validate::Window,
    values::{ActivationId, ComponentHash, Features, Limits, Sealed, Timestamp},
};

/// A license's situation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum License {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It was issued; how it stands is its [`Standing`].
    Issued(IssuedLicense),
}

/// How an issued license stands, apart from time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It works.
    Active,
    /// It is stopped for a while.
    Suspended,
    /// It was ended for good.
    Revoked,
    /// It was taken out of the books.
    Retired,
}

/// An issued license's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuedLicense {
    /// How it was issued; what can change stands beside it.
    pub issued: Arc<LicenseIssued>,
    /// How it stands.
    pub standing: Standing,
    /// What it changes of its policy.
    pub overrides: Arc<Overrides>,
    /// When it begins.
    pub valid_from: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Free text about it, sealed.
    pub note: Option<Sealed>,
    /// Whether the present end was recorded as come.
    pub expiry_noted: bool,
    /// How many events were folded: the sequence of the newest.
    pub sequence: u64,
    /// How many machines hold a seat.
    pub active: u32,
    pub(super) activations: HashTrieMapSync<ActivationId, Arc<Activation>>,
    /// When seats moved to another machine.
    pub(super) transfers: VectorSync<Timestamp>,
    /// In which billing period each meter was last noted to be beyond its limit.
    crossed: HashTrieMapSync<String, Timestamp>,
    pub(super) by_component: HashTrieMapSync<ComponentHash, HashTrieSetSync<ActivationId>>,
}

impl License {
    /// The facts of a license that is in the books.
    pub fn in_books(&self) -> Option<&IssuedLicense> {
        self.facts().filter(|license| license.standing != Standing::Retired)
    }

    /// The facts, in the books or not.
    pub fn facts(&self) -> Option<&IssuedLicense> {
        match self {
            Self::Absent => None,
            Self::Issued(license) => Some(license),
        }
    }

    pub(super) fn apply(self, event: &LicenseEvent) -> Self {
        match (self, event) {
            (Self::Absent, LicenseEvent::Issued(event)) => Self::Issued(IssuedLicense::new(event)),
            (Self::Issued(license), event) => Self::Issued(license.apply(event)),
            (Self::Absent, _) => Self::Absent,
        }
    }
}

impl IssuedLicense {
    fn new(event: &LicenseIssued) -> Self {
        Self {
            issued: Arc::new(event.clone()),
            standing: Standing::Active,
            overrides: Arc::new(event.overrides.clone()),
            valid_from: event.valid_from,
            expires_at: event.expires_at,
            note: event.note.clone(),
            expiry_noted: false,
            sequence: 1,
            active: 0,
            activations: HashTrieMapSync::new_sync(),
            transfers: VectorSync::new_sync(),
            crossed: HashTrieMapSync::new_sync(),
            by_component: HashTrieMapSync::new_sync(),
        }
    }

    /// How many seats there are.
    pub fn seats(&self, terms: &Terms) -> u32 {
        self.overrides.seats.unwrap_or(terms.seats)
    }

    /// The features in force: the policy's with the license's on top.
    pub fn features<'a>(&'a self, terms: &'a Terms) -> Cow<'a, Features> {
        layered(&terms.features, &self.overrides.features)
    }

    /// The limits in force: the policy's with the license's on top.
    pub fn limits<'a>(&'a self, terms: &'a Terms) -> Cow<'a, Limits> {
        layered(&terms.limits, &self.overrides.limits)
    }

    /// When it may be used.
    pub fn window(&self, terms: &Terms) -> Window {
        Window {
            valid_from: self.valid_from,
            expires_at: self.expires_at,
            grace_days: terms.grace_days,
        }
    }

    /// Whether no machine has ever had a seat.
    pub fn is_untouched(&self) -> bool {
        self.activations.is_empty()
    }

    /// How many seats have moved since a moment.
    pub fn transfers_since(&self, since: Option<Timestamp>) -> u32 {
        let counts = |at: &&Timestamp| since.is_none_or(|since| **at > since);
        u32::try_from(self.transfers.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }

    /// Whether a meter was noted to be beyond its limit in this billing period.
    pub fn has_noted(&self, meter: &str, period: Timestamp) -> bool {
        self.crossed.get(meter).is_some_and(|noted| *noted >= period)
    }

    /// About how many bytes this takes in memory.
    pub(super) fn weight(&self) -> usize {
        1_500 + 1_200 * self.activations.size()
    }

    fn apply(mut self, event: &LicenseEvent) -> Self {
        self.sequence += 1;
        match event {
            LicenseEvent::Issued(_) | LicenseEvent::KeyRevealed(_) => {}
            LicenseEvent::Edited(event) => {
                self.overrides = Arc::new(event.overrides.clone());
                self.expiry_noted &= self.expires_at == event.expires_at;
                (self.valid_from, self.expires_at) = (event.valid_from, event.expires_at);
                self.note.clone_from(&event.note);
            }
            LicenseEvent::Activated(event) => self.seat(event),
            LicenseEvent::SeatReleased(event) => self.silence(event.activation_id, event.at),
            LicenseEvent::SeatRevived(event) => self.revive(event.activation_id),
            LicenseEvent::Started(event) => self.expires_at = Some(event.expires_at),
            LicenseEvent::LimitCrossed(event) => self.crossed.insert_mut(event.meter.clone(), event.period),
            LicenseEvent::CheckedOut(event) => self.change(event.activation_id, |activation| {
                activation.checked_out_until = Some(event.until);
            }),
            LicenseEvent::Deactivated(event) => self.unseat(event.activation_id, event.at),
            LicenseEvent::Suspended(_) => self.standing = Standing::Suspended,
            LicenseEvent::Resumed(_) => self.standing = Standing::Active,
            LicenseEvent::Revoked(_) => self.standing = Standing::Revoked,
            LicenseEvent::Retired(_) => self.standing = Standing::Retired,
            LicenseEvent::Expired(_) => self.expiry_noted = true,
            LicenseEvent::Renewed(event) => {
                self.expires_at = Some(event.expires_at);
                self.expiry_noted = false;
            }
        }
        self
    }
}

fn layered<'a, V: Clone>(
    below: &'a std::collections::BTreeMap<String, V>,
    above: &'a std::collections::BTreeMap<String, V>,
) -> Cow<'a, std::collections::BTreeMap<String, V>> {
    if above.is_empty() {
        return Cow::Borrowed(below);
    }
    let mut both = below.clone();
    both.extend(above.iter().map(|(name, value)| (name.clone(), value.clone())));
    Cow::Owned(both)
}
