//! What a license's events amount to.
//!
//! The maps are persistent: a clone shares its structure, so that the ten-thousandth machine costs what the first did.

use std::{borrow::Cow, sync::Arc};

use rpds::{HashTrieMapSync, HashTrieSetSync, VectorSync};
use serde::{Deserialize, Serialize};

use super::{
    command::{DeactivationTarget, Overrides},
    event::{LicenseActivated, LicenseEvent, LicenseIssued},
};
use crate::{
    policy::Terms,
    validate::Window,
    values::{ActivationId, ComponentHash, Components, Features, Limits, Sealed, Timestamp},
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
    activations: HashTrieMapSync<ActivationId, Arc<Activation>>,
    /// When seats moved to another machine.
    transfers: VectorSync<Timestamp>,
    /// In which billing period each meter was last noted to be beyond its limit.
    crossed: HashTrieMapSync<String, Timestamp>,
    by_component: HashTrieMapSync<ComponentHash, HashTrieSetSync<ActivationId>>,
}

/// One machine's hold on a seat, past or present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// How it was activated.
    pub activated: LicenseActivated,
    /// The sequence of that event, by which its position can be looked up.
    pub sequence: u64,
    /// When it lost its seat for good.
    pub deactivated_at: Option<Timestamp>,
    /// Since when its floating seat is free because it was silent.
    pub silent_since: Option<Timestamp>,
    /// Until when it holds a lease that it took along.
    pub checked_out_until: Option<Timestamp>,
}

impl Activation {
    /// Its id.
    pub fn id(&self) -> ActivationId {
        self.activated.activation_id
    }

    /// Whether it holds a seat.
    pub fn is_seated(&self) -> bool {
        self.deactivated_at.is_none() && self.silent_since.is_none()
    }

    /// The word for how it stands.
    pub fn status(&self) -> &'static str {
        match (self.deactivated_at, self.silent_since) {
            (Some(_), _) => "deactivated",
            (None, Some(_)) => "silent",
            (None, None) => "active",
        }
    }
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

    /// An activation, active or not.
    pub fn activation(&self, id: ActivationId) -> Option<&Arc<Activation>> {
        self.activations.get(&id)
    }

    /// Every activation, active or not, in no order.
    pub fn activations(&self) -> impl Iterator<Item = &Arc<Activation>> {
        self.activations.values()
    }

    /// The machine in the books, seated or silent, that these components belong to: the one with most in common, then the oldest.
    ///
    /// A machine that agrees on k of n sent components agrees on one of any n − k + 1 of them, so only the rarest so
    /// many are looked at: one processor model shared by ten thousand machines costs nothing.
    pub fn find_machine(&self, components: &Components, terms: &Terms) -> Option<&Arc<Activation>> {
        let needed = usize::from(terms.fingerprint_match);
        let sharing = |group: &[ComponentHash]| {
            group
                .iter()
                .filter_map(|hash| self.by_component.get(hash))
                .map(HashTrieSetSync::size)
                .sum::<usize>()
        };
        let mut groups: Vec<(usize, &[ComponentHash])> = components
            .groups(&terms.fingerprint_extra)
            .map(|group| (sharing(group), group))
            .collect();
        let looked_at = (groups.len() + 1).checked_sub(needed)?;
        groups.sort_unstable_by_key(|(sharing, _)| *sharing);
        groups
            .iter()
            .take(looked_at)
            .flat_map(|(_, group)| group.iter())
            .filter_map(|hash| self.by_component.get(hash))
            .flat_map(HashTrieSetSync::iter)
            .filter_map(|id| self.activations.get(id))
            .map(|activation| {
                (
                    activation
                        .activated
                        .components
                        .agreement(components, &terms.fingerprint_extra),
                    activation,
                )
            })
            .filter(|(agreement, _)| *agreement >= needed)
            .max_by_key(|(agreement, activation)| (*agreement, std::cmp::Reverse(activation.sequence)))
            .map(|(_, activation)| activation)
    }

    /// The activation that is meant, active or not; by fingerprint an active one first, then the one that ended last.
    pub fn find_target(&self, target: &DeactivationTarget) -> Option<&Arc<Activation>> {
        match target {
            DeactivationTarget::Id(id) => self.activation(*id),
            DeactivationTarget::Machine { components, terms } => self.find_machine(components, terms).or_else(|| {
                let needed = usize::from(terms.fingerprint_match);
                let matches = |activation: &&Arc<Activation>| {
                    activation
                        .activated
                        .components
                        .agreement(components, &terms.fingerprint_extra)
                        >= needed
                };
                self.activations()
                    .filter(matches)
                    .max_by_key(|activation| activation.deactivated_at)
            }),
        }
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

    fn seat(&mut self, event: &LicenseActivated) {
        let activation = Activation {
            activated: event.clone(),
            sequence: self.sequence,
            deactivated_at: None,
            silent_since: None,
            checked_out_until: None,
        };
        if event.transferred_from.is_some() {
            self.transfers.push_back_mut(event.at);
        }
        for hash in event.components.groups(&extra_names(&event.components)).flatten() {
            let mut sharing = self
                .by_component
                .get(hash)
                .cloned()
                .unwrap_or_else(HashTrieSetSync::new_sync);
            sharing.insert_mut(event.activation_id);
            self.by_component.insert_mut(*hash, sharing);
        }
        self.activations.insert_mut(event.activation_id, Arc::new(activation));
        self.active += 1;
    }

    fn unseat(&mut self, id: ActivationId, at: Timestamp) {
        let Some(activation) = self
            .activations
            .get(&id)
            .filter(|activation| activation.deactivated_at.is_none())
        else {
            return;
        };
        let activation = Arc::clone(activation);
        let components = &activation.activated.components;
        for hash in components.groups(&extra_names(components)).flatten() {
            match self.by_component.get(hash).map(|sharing| sharing.remove(&id)) {
                Some(rest) if rest.is_empty() => _ = self.by_component.remove_mut(hash),
                Some(rest) => self.by_component.insert_mut(*hash, rest),
                None => {}
            }
        }
        self.active -= u32::from(activation.is_seated());
        self.change(id, |activation| activation.deactivated_at = Some(at));
    }

    fn silence(&mut self, id: ActivationId, at: Timestamp) {
        if self.activation(id).is_some_and(|activation| activation.is_seated()) {
            self.active -= 1;
            self.change(id, |activation| activation.silent_since = Some(at));
        }
    }

    fn revive(&mut self, id: ActivationId) {
        let silent = |activation: &Arc<Activation>| activation.deactivated_at.is_none() && !activation.is_seated();
        if self.activation(id).is_some_and(silent) {
            self.active += 1;
            self.change(id, |activation| activation.silent_since = None);
        }
    }

    fn change(&mut self, id: ActivationId, change: impl FnOnce(&mut Activation)) {
        if let Some(activation) = self.activations.get(&id) {
            let mut changed = (**activation).clone();
            change(&mut changed);
            self.activations.insert_mut(id, Arc::new(changed));
        }
    }
}

/// The index holds every extra component, because which of them count can change with the policy.
fn extra_names(components: &Components) -> Vec<String> {
    components.extra.keys().cloned().collect()
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
