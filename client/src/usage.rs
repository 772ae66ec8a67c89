//! What a program reports with its next beat.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names of features, and of meters, that one beat carries; the server takes 200 of each.
const NAMES: usize = 200;

/// Counts since the beat before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// How many people use the program on this machine.
    pub active_users: Option<u64>,
    /// How often each feature was used.
    pub features: BTreeMap<String, u64>,
    /// How much of each meter was used.
    pub meters: BTreeMap<String, u64>,
}

impl Usage {
    /// One use of a feature.
    #[must_use]
    pub fn feature(mut self, name: &str) -> Self {
        add(&mut self.features, name, 1);
        self
    }

    /// So much of a meter.
    #[must_use]
    pub fn meter(mut self, name: &str, amount: u64) -> Self {
        add(&mut self.meters, name, amount);
        self
    }

    /// Takes out as much as one beat carries.
    pub(crate) fn take(&mut self) -> Self {
        let most = |counts: &mut BTreeMap<String, u64>| match counts.keys().nth(NAMES).cloned() {
            Some(beyond) => {
                let rest = counts.split_off(&beyond);
                std::mem::replace(counts, rest)
            }
            None => std::mem::take(counts),
        };
        Self {
            active_users: self.active_users.take(),
            features: most(&mut self.features),
            meters: most(&mut self.meters),
        }
    }

    /// Adds other counts; the newest number of users counts.
    pub fn add(&mut self, other: &Self) {
        self.active_users = other.active_users.or(self.active_users);
        for (own, others) in [(&mut self.features, &other.features), (&mut self.meters, &other.meters)] {
            for (name, count) in others {
                add(own, name, *count);
            }
        }
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    let sum = counts.entry(name.to_owned()).or_default();
    *sum = sum.saturating_add(count);
}
