//! A license's machines: their seats, and which of them is meant.

use std::sync::Arc;

use rpds::HashTrieSetSync;
use serde::{Deserialize, Serialize};

use super::{IssuedLicense, command::DeactivationTarget, event::LicenseActivated};
use crate::{
    policy::Terms,
    values::{ActivationId, ComponentHash, MachineIdentity, Timestamp},
};

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

    /// What its machine is called in a staged roll-out: the same hardware is where it was when it is activated again.
    pub fn machine(&self) -> String {
        let digest = self.activated.components.digest();
        digest.unwrap_or_else(|| self.id().to_string())
    }

    /// Whether it holds a seat.
    pub fn is_seated(&self) -> bool {
        self.deactivated_at.is_none() && self.silent_since.is_none()
    }

    /// The word for how it stands.
    pub fn status(&self) -> &'static str {
        seat_status(self.deactivated_at.is_some(), self.silent_since.is_some())
    }
}

/// The word for how a machine's seat stands.
pub const fn seat_status(has_ended: bool, is_silent: bool) -> &'static str {
    match (has_ended, is_silent) {
        (true, _) => "deactivated",
        (false, true) => "silent",
        (false, false) => "active",
    }
}

impl IssuedLicense {
    /// An activation, active or not.
    pub fn activation(&self, id: ActivationId) -> Option<&Arc<Activation>> {
        self.activations.get(&id)
    }

    /// Every activation, active or not, in no order.
    pub fn activations(&self) -> impl Iterator<Item = &Arc<Activation>> {
        self.activations.values()
    }

    /// The machine in the books, seated or silent, that asks: the one with most in common, then the oldest.
    ///
    /// A machine that agrees on k of n sent components agrees on one of any n − k + 1 of them, so only the rarest so
    /// many are looked at: one processor model shared by ten thousand machines costs nothing.
    pub fn find_machine(&self, identity: &MachineIdentity, terms: &Terms) -> Option<&Arc<Activation>> {
        let rule = terms.match_rule();
        let sharing = |group: &[ComponentHash]| {
            group
                .iter()
                .filter_map(|hash| self.by_component.get(hash))
                .map(HashTrieSetSync::size)
                .sum::<usize>()
        };
        let groups = identity.groups(rule.extra).into_iter();
        let mut groups: Vec<(usize, Vec<ComponentHash>)> = groups.map(|group| (sharing(&group), group)).collect();
        let looked_at = (groups.len() + 1).checked_sub(rule.required)?;
        groups.sort_unstable_by_key(|(sharing, _)| *sharing);
        groups
            .iter()
            .take(looked_at)
            .flat_map(|(_, group)| group.iter())
            .filter_map(|hash| self.by_component.get(hash))
            .flat_map(HashTrieSetSync::iter)
            .filter_map(|id| self.activations.get(id))
            .filter_map(|activation| Some((identity.agreement(&activation.activated.components, rule)?, activation)))
            .max_by_key(|(agreement, activation)| (*agreement, std::cmp::Reverse(activation.sequence)))
            .map(|(_, activation)| activation)
    }

    /// The activation that is meant, active or not; by fingerprint an active one first, then the one that ended last.
    pub fn find_target(&self, target: &DeactivationTarget) -> Option<&Arc<Activation>> {
        match target {
            DeactivationTarget::Id(id) => self.activation(*id),
            DeactivationTarget::Machine { identity, terms } => self.find_machine(identity, terms).or_else(|| {
                let rule = terms.match_rule();
                let matches = |activation: &&Arc<Activation>| {
                    identity.agreement(&activation.activated.components, rule).is_some()
                };
                self.activations()
                    .filter(matches)
                    .max_by_key(|activation| activation.deactivated_at)
            }),
        }
    }

    pub(super) fn seat(&mut self, event: &LicenseActivated) {
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
        for hash in event.components.hashes() {
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

    pub(super) fn unseat(&mut self, id: ActivationId, at: Timestamp) {
        let Some(activation) = self
            .activations
            .get(&id)
            .filter(|activation| activation.deactivated_at.is_none())
        else {
            return;
        };
        let activation = Arc::clone(activation);
        for hash in activation.activated.components.hashes() {
            match self.by_component.get(hash).map(|sharing| sharing.remove(&id)) {
                Some(rest) if rest.is_empty() => _ = self.by_component.remove_mut(hash),
                Some(rest) => self.by_component.insert_mut(*hash, rest),
                None => {}
            }
        }
        self.active -= u32::from(activation.is_seated());
        self.change(id, |activation| activation.deactivated_at = Some(at));
    }

    pub(super) fn silence(&mut self, id: ActivationId, at: Timestamp) {
        if self.activation(id).is_some_and(|activation| activation.is_seated()) {
            self.active -= 1;
            self.change(id, |activation| activation.silent_since = Some(at));
        }
    }

    pub(super) fn revive(&mut self, id: ActivationId) {
        let silent = |activation: &Arc<Activation>| activation.deactivated_at.is_none() && !activation.is_seated();
        if self.activation(id).is_some_and(silent) {
            self.active += 1;
            self.change(id, |activation| activation.silent_since = None);
        }
    }

    pub(super) fn change(&mut self, id: ActivationId, change: impl FnOnce(&mut Activation)) {
        if let Some(activation) = self.activations.get(&id) {
            let mut changed = (**activation).clone();
            change(&mut changed);
            self.activations.insert_mut(id, Arc::new(changed));
        }
    }
}
