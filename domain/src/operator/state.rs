//! What an operator's events amount to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    command::OperatorCommand,
    event::{OperatorEvent, OperatorInvited},
};
use crate::{
    Kind, Resource,
    permission::Role,
    values::{OperatorId, Sealed, Timestamp},
};

/// An operator's situation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Operator {
    /// Nothing has happened.
    #[default]
    Absent,
    /// It was taken up.
    Known(Box<KnownOperator>),
}

/// An operator's facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownOperator {
    /// Its id.
    pub id: OperatorId,
    /// The name, sealed.
    pub name: Sealed,
    /// The mail address, sealed.
    pub email: Sealed,
    /// What it may do.
    pub role: Role,
    /// Whether it is let in at all.
    pub disabled: bool,
    /// The link that was handed out and not used yet.
    pub invitation: Option<Invitation>,
    /// The password's hash, sealed; none before the first one is set.
    pub password: Option<Sealed>,
    /// The second factor, where one counts.
    pub factor: Option<Factor>,
    /// The secret of one that was proposed.
    pub proposed: Option<Sealed>,
    /// The digests of the recovery codes that are good.
    pub recovery_codes: Vec<String>,
    /// Failures in a row: of each browser that knew it before by name, of all strangers under no name.
    pub attempts: BTreeMap<String, Attempts>,
    /// Sessions whose password was given before this are over: by then it was another one, or the operator was shut out.
    pub sessions_valid_from: Timestamp,
    /// When it was taken up.
    pub created_at: Timestamp,
}

/// A link that makes someone set the first password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The digest of what it carries.
    pub digest: String,
    /// Until when it is good.
    pub ends_at: Timestamp,
}

/// A second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// The secret of its codes, sealed.
    pub secret: Sealed,
    /// The newest step whose code was used: only later ones are good.
    pub last_step: u64,
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many.
    pub failed: u32,
    /// Until when nobody is heard.
    pub locked_until: Option<Timestamp>,
}

/// Browsers whose failures are counted by themselves; one more than that counts as a stranger.
const MAX_BROWSERS: usize = 20;

impl Operator {
    /// The facts.
    pub fn facts(&self) -> Option<&KnownOperator> {
        match self {
            Self::Absent => None,
            Self::Known(operator) => Some(operator),
        }
    }

    pub(super) fn apply(self, event: &OperatorEvent) -> Self {
        if let OperatorEvent::Invited(invited) = event {
            return Self::Known(Box::new(KnownOperator::of(invited)));
        }
        match self {
            Self::Absent => Self::Absent,
            Self::Known(mut operator) => {
                operator.apply(event);
                Self::Known(operator)
            }
        }
    }
}

impl KnownOperator {
    fn of(invited: &OperatorInvited) -> Self {
        Self {
            id: invited.operator_id,
            name: invited.name.clone(),
            email: invited.email.clone(),
            role: invited.role,
            disabled: false,
            invitation: Some(Invitation {
                digest: invited.invitation.clone(),
                ends_at: invited.invitation_ends_at,
            }),
            password: None,
            factor: None,
            proposed: None,
            recovery_codes: Vec::new(),
            attempts: BTreeMap::new(),
            sessions_valid_from: invited.at,
            created_at: invited.at,
        }
    }

    /// Whether a link lets someone in at a moment.
    pub fn has_invitation(&self, digest: &str, now: Timestamp) -> bool {
        let good = |invitation: &Invitation| invitation.digest == digest && now < invitation.ends_at;
        !self.disabled && self.invitation.as_ref().is_some_and(good)
    }

    /// Whose failures a browser's count among.
    pub(super) fn counted_as(&self, browser: Option<&str>) -> String {
        let own = browser.filter(|name| self.attempts.contains_key(*name) || self.attempts.len() < MAX_BROWSERS);
        own.unwrap_or_default().to_owned()
    }

    /// Until when a browser is not heard, where that is still to come.
    pub fn locked_until(&self, browser: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let attempts = self.attempts.get(&self.counted_as(browser))?;
        attempts.locked_until.filter(|until| now < *until)
    }

    fn apply(&mut self, event: &OperatorEvent) {
        match event {
            OperatorEvent::Invited(_) | OperatorEvent::CodeReused(_) => {}
            OperatorEvent::Reinvited(event) => {
                self.invitation = Some(Invitation {
                    digest: event.invitation.clone(),
                    ends_at: event.invitation_ends_at,
                });
            }
            OperatorEvent::PasswordRehashed(event) => self.password = Some(event.password.clone()),
            OperatorEvent::PasswordSet(event) => {
                self.password = Some(event.password.clone());
                self.invitation = None;
                self.sessions_valid_from = event.at;
            }
            OperatorEvent::FactorProposed(event) => self.proposed = Some(event.secret.clone()),
            OperatorEvent::FactorConfirmed(event) => {
                self.factor = self.proposed.take().map(|secret| Factor {
                    secret,
                    last_step: event.step,
                });
                self.recovery_codes.clone_from(&event.recovery_codes);
            }
            OperatorEvent::CodeUsed(event) => {
                if let Some(factor) = &mut self.factor {
                    factor.last_step = event.step;
                }
            }
            OperatorEvent::RecoveryCodeUsed(event) => self.recovery_codes.retain(|code| *code != event.code),
            OperatorEvent::LoginFailed(event) => {
                let counted = self.counted_as(event.browser.as_deref());
                let attempts = self.attempts.entry(counted).or_default();
                // A lock that is over has been served.
                if attempts.locked_until.is_some_and(|until| until <= event.at) {
                    *attempts = Attempts::default();
                }
                attempts.failed += 1;
            }
            OperatorEvent::Locked(event) => {
                let counted = self.counted_as(event.browser.as_deref());
                self.attempts.entry(counted).or_default().locked_until = Some(event.until);
            }
            OperatorEvent::LoggedIn(event) => {
                let counted = self.counted_as(event.browser.as_deref());
                self.attempts.remove(&counted);
            }
            OperatorEvent::Edited(event) => {
                self.name.clone_from(&event.name);
                self.role = event.role;
            }
            OperatorEvent::Disabled(event) => {
                self.disabled = true;
                self.sessions_valid_from = event.at;
            }
            OperatorEvent::Enabled(_) => self.disabled = false,
            OperatorEvent::FactorReset(event) => {
                self.sessions_valid_from = event.at;
                (self.factor, self.proposed) = (None, None);
                self.recovery_codes.clear();
            }
            OperatorEvent::Unlocked(_) => self.attempts.clear(),
        }
    }
}

impl Resource for Operator {
    const KIND: Kind = Kind::new("operator", "operator", "operators");

    fn id(&self) -> Option<Uuid> {
        Some(self.facts()?.id.0)
    }

    fn is_retired(&self) -> bool {
        self.facts().is_some_and(|operator| operator.disabled)
    }

    fn retire(at: Timestamp) -> OperatorCommand {
        OperatorCommand::Disable { at }
    }
}
