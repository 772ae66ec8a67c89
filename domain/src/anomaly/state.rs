//! What an anomaly's events amount to.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    command::AnomalyCommand,
    event::{AnomalyEvent, AnomalyFound},
};
use crate::{Kind, Resource, values::Timestamp};

/// What people make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgment {
    /// Nobody has looked yet.
    Open,
    /// Someone looks into it.
    Acknowledged,
    /// It is nothing.
    Dismissed,
}

/// An anomaly's situation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Anomaly {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It was found.
    Found(FoundAnomaly),
}

/// An anomaly's facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FoundAnomaly {
    /// How it was found.
    pub found: AnomalyFound,
    /// What people make of it.
    pub judgment: Judgment,
    /// The reason, in the words of whoever asked; at most 500 characters.
    pub reason: Option<String>,
    /// Since when.
    pub judged_at: Option<Timestamp>,
}

impl Anomaly {
    /// The facts.
    pub fn facts(&self) -> Option<&FoundAnomaly> {
        match self {
            Self::Absent => None,
            Self::Found(anomaly) => Some(anomaly),
        }
    }

    pub(super) fn apply(self, event: &AnomalyEvent) -> Self {
        let (judgment, judged) = match (&self, event) {
            (_, AnomalyEvent::Found(event)) => {
                return Self::Found(FoundAnomaly {
                    found: event.clone(),
                    judgment: Judgment::Open,
                    reason: None,
                    judged_at: None,
                });
            }
            (_, AnomalyEvent::Acknowledged(event)) => (Judgment::Acknowledged, event),
            (_, AnomalyEvent::Dismissed(event)) => (Judgment::Dismissed, event),
            (_, AnomalyEvent::Reopened(event)) => (Judgment::Open, event),
        };
        match self {
            Self::Absent => Self::Absent,
            Self::Found(anomaly) => Self::Found(FoundAnomaly {
                judgment,
                reason: judged.reason.clone(),
                judged_at: Some(judged.at),
                ..anomaly
            }),
        }
    }
}

impl Resource for Anomaly {
    const KIND: Kind = Kind::new("anomaly", "anomaly", "anomalies");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.found.anomaly_id.0)
    }

    fn is_retired(&self) -> bool {
        self.facts().is_some_and(|found| found.judgment == Judgment::Dismissed)
    }

    fn retire(at: Timestamp) -> AnomalyCommand {
        AnomalyCommand::Judge {
            judgment: Judgment::Dismissed,
            reason: None,
            at,
        }
    }

    fn parent(&self) -> Option<Uuid> {
        Some(self.facts()?.found.license_id?.0)
    }
}
