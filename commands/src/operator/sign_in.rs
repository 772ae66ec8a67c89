//! Lets operators in: by password, and by the second factor that comes after it.

use std::sync::Arc;

use licet_domain::{
    ResourceRejection,
    operator::{FactorConfirmed, KnownOperator, LockOut, Operator, OperatorCommand, OperatorEvent},
    session::Level,
};
use licet_event_store::{
    Versioned,
    vault::{Purpose, Sealer},
};
use uuid::Uuid;

use super::{Enrollment, GivenCode, Hashing, factor, login_failed};
use crate::{
    CommandError, Context, Platform,
    session::{OpenedSession, SessionHolder},
};

/// Recovery codes of one second factor.
const RECOVERY_CODES: usize = 10;

/// Someone who wants to be let in.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// The mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The browser, where it proves that it knew this operator before.
    pub browser: Option<String>,
}

/// What the settings say about getting in.
#[derive(Debug, Clone, Copy)]
pub struct SignInRules {
    /// When a browser is shut out.
    pub lock_out: LockOut,
    /// How long a session lasts at most, in seconds.
    pub lifetime_seconds: i64,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// A code of the second factor.
    Totp,
    /// Enrolling a second factor.
    Enroll,
    /// Nothing: it is in.
    Done,
}

/// Someone whose password was right.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub operator: Uuid,
    /// The session so far.
    pub session: OpenedSession,
    /// What comes next.
    pub next: NextStep,
}

impl Platform {
    /// Looks at a password. An unknown address, a wrong password and a shut door are one and the same from outside: the
    /// answer, and what it takes to come to it.
    pub async fn sign_in(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        log_in: LogIn,
    ) -> Result<SignedIn, CommandError> {
        let known = self.operator_by_email(context, &log_in.email).await?;
        let facts = known.as_ref().and_then(|known| known.state.facts());
        let hash = match facts {
            Some(facts) => self.open_of(context, facts, facts.password.as_ref()).await?,
            None => None,
        };
        let checked = hashing.check(log_in.password.clone(), hash).await?;
        let Some(facts) = facts else {
            return Err(login_failed());
        };
        let id = facts.id.0;
        let shut = facts.disabled || facts.locked_until(log_in.browser.as_deref(), context.now).is_some();
        if shut || !checked.right {
            self.note_failure(context, id, rules, log_in.browser).await?;
            return Err(login_failed());
        }
        if checked.weak {
            self.hash_anew(context, hashing, facts, log_in.password).await?;
        }
        let (level, next) = match facts.factor {
            Some(_) => (Level::Password, NextStep::Totp),
            None => (Level::Enroll, NextStep::Enroll),
        };
        let session = self.begin_session(context, id, level, rules.lifetime_seconds).await?;
        Ok(SignedIn {
            operator: id,
            session,
            next,
        })
    }

    /// Looks at the second factor of a session that waits for it.
    pub async fn give_code(
        &self,
        context: &Context,
        rules: SignInRules,
        holder: &SessionHolder,
        token: &str,
        given: GivenCode,
        browser: Option<String>,
    ) -> Result<SignedIn, CommandError> {
        let (session, facts) = waiting(holder, Level::Password)?;
        let id = facts.id.0;
        let shut = facts.locked_until(browser.as_deref(), context.now).is_some();
        let right = !shut && self.use_code(context, facts, given).await?;
        if !right {
            self.note_failure(context, id, rules, browser).await?;
            return Err(code_invalid());
        }
        self.let_in(context, id, browser).await?;
        let session = self.elevate_session(context, session, token).await?;
        Ok(SignedIn {
            operator: id,
            session,
            next: NextStep::Done,
        })
    }

    /// Proposes a second factor to whoever has none.
    pub async fn enroll(&self, context: &Context, holder: &SessionHolder) -> Result<Enrollment, CommandError> {
        let (_, facts) = waiting(holder, Level::Enroll)?;
        let sealer = self.sealer_of(context, facts).await?;
        let secret = self.edge.bytes::<20>();
        let sealed = sealer.seal(&hex::encode(secret));
        let order = OperatorCommand::ProposeFactor {
            secret: sealed,
            at: context.now,
        };
        self.order(context, facts.id.0, order).await?;
        Enrollment::of(&secret, &sealer.open(&facts.email)?)
    }

    /// Makes the proposed factor count, once a code of it was right; answers the recovery codes, and the session.
    pub async fn confirm_factor(
        &self,
        context: &Context,
        holder: &SessionHolder,
        token: &str,
        code: &str,
        browser: Option<String>,
    ) -> Result<(Vec<String>, OpenedSession), CommandError> {
        let (session, facts) = waiting(holder, Level::Enroll)?;
        let sealer = self.sealer_of(context, facts).await?;
        let secret = factor::secret_of(facts, &sealer, true).ok_or_else(code_invalid)?;
        let step = factor::step_of(code, &secret, context.now.seconds()).ok_or_else(code_invalid)?;
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| factor::recovery_code(self.edge.bytes()))
            .collect();
        let mut digests = Vec::with_capacity(codes.len());
        for code in &codes {
            digests.push(self.recovery_digest(context, code).await?);
        }
        let confirmed = OperatorCommand::ConfirmFactor(FactorConfirmed {
            step,
            recovery_codes: digests,
            at: context.now,
        });
        self.order(context, facts.id.0, confirmed).await?;
        self.let_in(context, facts.id.0, browser).await?;
        let session = self.elevate_session(context, session, token).await?;
        Ok((codes, session))
    }

    async fn use_code(&self, context: &Context, facts: &KnownOperator, given: GivenCode) -> Result<bool, CommandError> {
        let (id, at) = (facts.id.0, context.now);
        match given {
            GivenCode::Code(code) => {
                let sealer = self.sealer_of(context, facts).await?;
                let secret = factor::secret_of(facts, &sealer, false);
                let step = secret.and_then(|secret| factor::step_of(&code, &secret, at.seconds()));
                let Some(step) = step else { return Ok(false) };
                let events = self.order(context, id, OperatorCommand::UseCode { step, at }).await?;
                Ok(matches!(events.first(), Some(OperatorEvent::CodeUsed(_))))
            }
            GivenCode::Recovery(code) => {
                let code = self.recovery_digest(context, &code).await?;
                match self
                    .order(context, id, OperatorCommand::UseRecoveryCode { code, at })
                    .await
                {
                    Ok(_) => Ok(true),
                    Err(CommandError::Resource(_)) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn let_in(&self, context: &Context, id: Uuid, browser: Option<String>) -> Result<(), CommandError> {
        let order = OperatorCommand::LogIn {
            browser,
            at: context.now,
        };
        self.order(context, id, order).await.map(drop)
    }

    async fn note_failure(
        &self,
        context: &Context,
        id: Uuid,
        rules: SignInRules,
        browser: Option<String>,
    ) -> Result<(), CommandError> {
        let order = OperatorCommand::FailLogin {
            browser,
            lock_out: rules.lock_out,
            at: context.now,
        };
        self.order(context, id, order).await.map(drop)
    }

    /// The same password under today's parameters.
    async fn hash_anew(
        &self,
        context: &Context,
        hashing: &Hashing,
        facts: &KnownOperator,
        password: String,
    ) -> Result<(), CommandError> {
        let hash = hashing.hash(&self.edge, password).await?;
        let password = self.sealer_of(context, facts).await?.seal(&hash);
        let order = OperatorCommand::SetPassword {
            password,
            at: context.now,
        };
        self.order(context, facts.id.0, order).await.map(drop)
    }

    /// Orders something of an operator; answers what was recorded.
    async fn order(
        &self,
        context: &Context,
        id: Uuid,
        order: OperatorCommand,
    ) -> Result<Vec<OperatorEvent>, CommandError> {
        // One request orders several things, each under its own id.
        let mut envelope = context.envelope();
        envelope.command_id = self.edge.id();
        let executed = self
            .resources
            .operators
            .execute(id, &envelope, |_| Ok(order.clone()), &|_, _| None);
        Ok(executed.await?.events)
    }

    async fn operator_by_email(
        &self,
        context: &Context,
        email: &str,
    ) -> Result<Option<Arc<Versioned<Operator>>>, CommandError> {
        let folded = email.trim().to_lowercase();
        let key = self.look_up_key(&context.tenant).await?;
        let hash = key.hash("operator_email", folded.as_bytes());
        match self.holder(&context.tenant, "operator_email", hash).await? {
            Some(id) => Ok(Some(self.resources.operators.fresh(&context.tenant, id).await?)),
            None => Ok(None),
        }
    }

    async fn sealer_of(&self, context: &Context, facts: &KnownOperator) -> Result<Sealer, CommandError> {
        let id = facts.id.to_string();
        Ok(self.vault.sealer(&context.tenant, Purpose::Person, &id).await?)
    }

    async fn open_of(
        &self,
        context: &Context,
        facts: &KnownOperator,
        sealed: Option<&licet_domain::values::Sealed>,
    ) -> Result<Option<String>, CommandError> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.sealer_of(context, facts).await?.open(sealed)?))
    }

    async fn recovery_digest(&self, context: &Context, code: &str) -> Result<String, CommandError> {
        let key = self.look_up_key(&context.tenant).await?;
        Ok(hex::encode(key.hash("recovery_code", factor::plain(code).as_bytes())))
    }
}

/// The session that waits for this, and whose it is.
fn waiting(holder: &SessionHolder, level: Level) -> Result<(Uuid, &KnownOperator), CommandError> {
    let session = holder.session.state.facts().filter(|session| session.level == level);
    let session = session.ok_or_else(login_failed)?;
    let facts = holder.operator.state.facts().ok_or_else(login_failed)?;
    Ok((session.begun.session_id.0, facts))
}

fn code_invalid() -> CommandError {
    CommandError::Resource(ResourceRejection::Conflict {
        code: "CODE_INVALID",
        detail: "this code is wrong, or was used already",
    })
}
