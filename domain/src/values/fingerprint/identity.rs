//! Which recorded machine a machine that asks is.

use super::{ComponentHash, Components};

/// By which components a policy tells machines apart.
#[derive(Debug, Clone, Copy)]
pub struct MatchRule<'a> {
    /// On how many components two must agree.
    pub required: usize,
    /// Which extra components count.
    pub extra: &'a [String],
    /// Components that must not differ where both sides have them, by their names on the wire.
    pub veto: &'a [String],
}

impl MatchRule<'_> {
    /// Whether so much was sent that a machine can be told apart: enough components, and not the processor alone.
    pub fn is_met_by(&self, components: &Components) -> bool {
        components.count(self.extra) >= self.required && components.tells_apart(self.extra)
    }
}

/// A machine that asks: what it is known by now, and what it was known by under the first rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineIdentity {
    /// What is recorded when it activates now.
    pub components: Components,
    pub(super) earlier: Components,
    /// The system UUID in its other byte order: firmware and operating systems disagree about the first three parts.
    pub(super) other_uuid: Option<ComponentHash>,
}

/// How one component of two machines compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    OneIsAbsent,
    Same,
    Different,
}

impl MachineIdentity {
    /// The identity of a machine of which only the record is left.
    pub fn of_record(recorded: &Components) -> Self {
        Self {
            components: recorded.clone(),
            earlier: recorded.clone(),
            other_uuid: None,
        }
    }

    /// On how many components it agrees with a recorded machine, where that makes it the same one. Records of the first
    /// rules go on matching as they did.
    pub fn agreement(&self, recorded: &Components, rule: MatchRule<'_>) -> Option<usize> {
        if recorded.rules == 1 {
            let names = ["mac_addresses", "cpu_id", "system_uuid"].iter();
            let named = names.filter(|name| self.compare(&self.earlier, recorded, name) == Compared::Same);
            let agreement = named.count() + extras_in_common(&self.earlier, recorded, rule.extra);
            return (agreement >= rule.required).then_some(agreement);
        }
        let compare = |name: &str| self.compare(&self.components, recorded, name);
        if rule.veto.iter().any(|name| compare(name) == Compared::Different) {
            return None;
        }
        let weak = usize::from(compare("cpu_id") == Compared::Same);
        let named = ["mac_addresses", "system_uuid", "machine_id"].iter();
        let telling = named.filter(|name| compare(name) == Compared::Same).count()
            + extras_in_common(&self.components, recorded, rule.extra);
        (telling > 0 && telling + weak >= rule.required).then_some(telling + weak)
    }

    /// Hashes of which a machine that matches shares at least `required`, a group for each component.
    pub fn groups(&self, extras: &[String]) -> Vec<Vec<ComponentHash>> {
        // The first rules dropped less, so these hold everything that the present ones do.
        let all = &self.earlier;
        let single = |hash: Option<ComponentHash>| hash.into_iter().collect::<Vec<_>>();
        let uuid = all.uuid.into_iter().chain(self.other_uuid).collect();
        let extra = extras.iter().map(|name| single(all.extra.get(name).copied()));
        let mut groups = vec![all.mac.clone(), single(all.cpu), uuid, single(self.components.machine)];
        groups.extend(extra);
        groups.retain(|group| !group.is_empty());
        groups
    }

    fn compare(&self, own: &Components, recorded: &Components, name: &str) -> Compared {
        let single = |own: Option<&ComponentHash>, recorded: Option<&ComponentHash>| match (own, recorded) {
            (Some(own), Some(recorded)) if own == recorded => Compared::Same,
            (Some(_), Some(_)) => Compared::Different,
            _ => Compared::OneIsAbsent,
        };
        match name {
            // Network cards agree when the sets share one.
            "mac_addresses" if own.mac.is_empty() || recorded.mac.is_empty() => Compared::OneIsAbsent,
            "mac_addresses" if own.mac.iter().any(|mac| recorded.mac.contains(mac)) => Compared::Same,
            "mac_addresses" => Compared::Different,
            "cpu_id" => single(own.cpu.as_ref(), recorded.cpu.as_ref()),
            "system_uuid" if recorded.rules > 1 && recorded.uuid.is_some() && recorded.uuid == self.other_uuid => {
                Compared::Same
            }
            "system_uuid" => single(own.uuid.as_ref(), recorded.uuid.as_ref()),
            "machine_id" => single(own.machine.as_ref(), recorded.machine.as_ref()),
            name => single(own.extra.get(name), recorded.extra.get(name)),
        }
    }
}

fn extras_in_common(own: &Components, recorded: &Components, names: &[String]) -> usize {
    let same = |name: &&String| {
        own.extra
            .get(*name)
            .is_some_and(|own| recorded.extra.get(*name) == Some(own))
    };
    names.iter().filter(same).count()
}
