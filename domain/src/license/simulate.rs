//! What other terms would have answered to what really happened.

use super::{
    event::{LicenseActivated, LicenseEvent},
    rejection::{InsufficientFingerprint, LicenseRejection},
    seats,
    state::License,
};
use crate::{
    Decider,
    policy::Terms,
    values::{ActivationId, Limits, MachineIdentity, Timestamp},
};

/// A machine that got a seat, and would not have got one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedRefusal {
    /// The machine's activation.
    pub activation_id: ActivationId,
    /// Why not.
    pub rejection: LicenseRejection,
}

/// A license that lives its real history under proposed terms.
#[derive(Debug, Clone)]
pub struct Simulation {
    license: License,
    terms: Terms,
    /// What the license was before a machine left: a transfer that would have been refused leaves the seat where it was.
    before: Option<(ActivationId, License)>,
}

impl Simulation {
    /// Begins with what the license was when the stretch began.
    pub fn new(license: License, terms: Terms) -> Self {
        Self {
            license,
            terms,
            before: None,
        }
    }

    /// The machines that have a seat beyond what the proposed terms give: those that came last.
    pub fn over_seats(&self) -> Vec<ActivationId> {
        let Some(license) = self.license.facts() else {
            return Vec::new();
        };
        let mut seated: Vec<_> = license.activations().filter(|known| known.is_seated()).collect();
        seated.sort_unstable_by_key(|known| known.sequence);
        let seats = usize::try_from(license.seats(&self.terms)).unwrap_or(usize::MAX);
        seated.into_iter().skip(seats).map(|known| known.id()).collect()
    }

    /// Since when the license, as it stands, would have been of no use; `None` while it has no end.
    pub fn usable_until(&self) -> Option<Timestamp> {
        self.license.facts()?.window(&self.terms).usable_until()
    }

    /// The limits that the license has under the proposed terms.
    pub fn limits(&self) -> Limits {
        let license = self.license.facts();
        license.map_or_else(Limits::new, |license| license.limits(&self.terms).into_owned())
    }

    /// Lives one real event. A machine that would have been refused has no seat from then on, and what became of it does
    /// not matter.
    pub fn live(&mut self, event: &LicenseEvent) -> Option<SimulatedRefusal> {
        let refused = match event {
            LicenseEvent::Activated(event) => self.refuses(event).map(|rejection| (event.activation_id, rejection)),
            LicenseEvent::SeatRevived(event) => self
                .refuses_again(event.activation_id)
                .map(|rejection| (event.activation_id, rejection)),
            _ => None,
        };
        if let Some((activation_id, rejection)) = refused {
            if let (LicenseEvent::Activated(event), Some((left, license))) = (event, self.before.take())
                && event.transferred_from == Some(left)
            {
                self.license = license;
            }
            return Some(SimulatedRefusal {
                activation_id,
                rejection,
            });
        }
        self.before = match event {
            LicenseEvent::Deactivated(event) => Some((event.activation_id, self.license.clone())),
            _ => None,
        };
        self.license = License::evolve(std::mem::take(&mut self.license), event);
        None
    }

    fn refuses(&self, activated: &LicenseActivated) -> Option<LicenseRejection> {
        let license = self.license.facts()?;
        if let Err(closed) = seats::expect_open(license, &self.terms, activated.at) {
            return Some(closed);
        }
        let (components, rule) = (&activated.components, self.terms.match_rule());
        let told_apart = components.rules == 1 || components.tells_apart(rule.extra);
        if components.count(rule.extra) < rule.required || !told_apart {
            return Some(LicenseRejection::FingerprintInsufficient(InsufficientFingerprint {
                present: components.count(rule.extra),
                required: rule.required,
                dropped: Vec::new(),
            }));
        }
        // A machine that would have been known is no new one.
        if license
            .find_machine(&MachineIdentity::of_record(components), &self.terms)
            .is_some()
        {
            return None;
        }
        if let Some(from) = activated.transferred_from {
            // Its seat was given up a moment ago, in the same order; one that was never taken could not be given.
            let giving = license.activation(from);
            if giving.is_none_or(|giving| giving.deactivated_at != Some(activated.at)) {
                return Some(LicenseRejection::ActivationNotActive(from));
            }
            return seats::expect_transfers_left(license, &self.terms, activated.at).err();
        }
        seats::expect_free(license, &self.terms).err()
    }

    /// A silent machine that came back: one that would have had no seat before has none now either.
    fn refuses_again(&self, activation_id: ActivationId) -> Option<LicenseRejection> {
        let license = self.license.facts()?;
        match license.activation(activation_id) {
            None => Some(LicenseRejection::ActivationNotFound(Some(activation_id))),
            Some(known) if known.is_seated() => None,
            Some(_) => seats::expect_free(license, &self.terms).err(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::license::tests::{activated, deactivated, issued};

    #[test]
    fn fewer_seats_refuse_later_machines_until_one_leaves() {
        let mut simulation = Simulation::new(License::Absent, Terms::with_seats(1));
        let lived: Vec<_> = [issued(), activated(1), activated(2), deactivated(1), activated(3)]
            .iter()
            .map(|event| simulation.live(event).map(|refusal| refusal.rejection.code()))
            .collect();
        assert_eq!(lived, [None, None, Some("ACTIVATION_LIMIT_REACHED"), None, None]);
        let mut lived = Simulation::new(License::Absent, Terms::with_seats(5));
        assert!(
            [issued(), activated(1), activated(2)]
                .iter()
                .all(|event| lived.live(event).is_none())
        );
        lived.terms.seats = 1;
        assert_eq!(
            lived.over_seats(),
            [ActivationId(uuid::Uuid::from_u128(2))],
            "who came last"
        );
    }

    #[test]
    fn a_transfer_that_is_refused_leaves_the_seat_where_it_was() {
        let terms = Terms {
            max_transfers: Some(0),
            ..Terms::with_seats(1)
        };
        let mut simulation = Simulation::new(License::Absent, terms);
        let moved = match activated(2) {
            LicenseEvent::Activated(event) => LicenseEvent::Activated(LicenseActivated {
                transferred_from: Some(ActivationId(uuid::Uuid::from_u128(1))),
                ..event
            }),
            other => other,
        };
        let lived: Vec<_> = [issued(), activated(1), deactivated(1), moved, activated(3)]
            .iter()
            .map(|event| simulation.live(event).map(|refusal| refusal.rejection.code()))
            .collect();
        let (moved, third) = (Some("TRANSFER_LIMIT_REACHED"), Some("ACTIVATION_LIMIT_REACHED"));
        assert_eq!(lived, [None, None, None, moved, third]);
    }

    #[test]
    fn a_stricter_fingerprint_refuses_what_says_too_little() {
        let terms = Terms {
            fingerprint_match: 4,
            ..Terms::with_seats(5)
        };
        let mut simulation = Simulation::new(License::Absent, terms);
        assert!(simulation.live(&issued()).is_none());
        let refusal = simulation.live(&activated(1)).map(|refusal| refusal.rejection);
        assert_eq!(
            refusal,
            Some(LicenseRejection::FingerprintInsufficient(InsufficientFingerprint {
                present: 3,
                required: 4,
                dropped: Vec::new(),
            }))
        );
    }

    #[test]
    fn machines_that_come_back_need_a_free_seat_too() {
        use crate::license::event::{LicenseSeatReleased, LicenseSeatRevived};
        let id = |number: u128| ActivationId(uuid::Uuid::from_u128(number));
        let at = crate::values::Timestamp::from_millis(1_800_000_000_000);
        let released = |number| {
            LicenseEvent::SeatReleased(LicenseSeatReleased {
                activation_id: id(number),
                at,
            })
        };
        let revived = |number| {
            LicenseEvent::SeatRevived(LicenseSeatRevived {
                activation_id: id(number),
                policy_version: 1,
                hold_seconds: Some(60),
                at,
            })
        };
        let mut simulation = Simulation::new(License::Absent, Terms::with_seats(1));
        let lived: Vec<_> = [
            issued(),
            activated(1),
            released(1),
            activated(2),
            revived(1),
            revived(3),
        ]
        .iter()
        .map(|event| simulation.live(event).map(|refusal| refusal.rejection.code()))
        .collect();
        assert_eq!(
            lived[4..],
            [Some("ACTIVATION_LIMIT_REACHED"), Some("ACTIVATION_NOT_FOUND")]
        );
    }
}
