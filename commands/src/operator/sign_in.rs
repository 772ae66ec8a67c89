//! Lets operators in: by password, and by the second factor that comes after it.

use std::time::Duration;

use licet_domain::{
    operator::{KnownOperator, LOGIN_FAILED, LockOut, OperatorCommand, OperatorEvent},
    session::Level,
    values::Sealed,
};
use licet_event_store::{
    Tenant,
    vault::{Purpose, Sealer},
};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{EMAIL_CLAIM, GivenCode, Hashing, KnownBrowser, code_invalid, factor, login_failed, login_name};
use crate::{
    CommandError, Context, Platform,
    session::{OpenedSession, SessionHolder},
};

/// When who is not let in hears of it: later than the slowest of the reasons takes, unless many wait.
const REFUSED_AFTER: Duration = Duration::from_millis(400);

/// Someone who wants to be let in.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// The mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The browser, where it proves which operator it knew before.
    pub browser: Option<KnownBrowser>,
}

/// Who an operator is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPerson {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
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
    /// Looks at a password. An unknown address, a wrong password and a shut door are one and the same from outside: by the
    /// answer, and by when it comes.
    pub async fn sign_in(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        log_in: LogIn,
    ) -> Result<SignedIn, CommandError> {
        let begun = Instant::now();
        let signed_in = self.try_sign_in(context, hashing, rules, log_in).await;
        if matches!(&signed_in, Err(CommandError::Resource(refused)) if *refused == LOGIN_FAILED) {
            sleep_until(begun + REFUSED_AFTER).await;
        }
        signed_in
    }

    async fn try_sign_in(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        log_in: LogIn,
    ) -> Result<SignedIn, CommandError> {
        let id = self.operator_by_email(context, &log_in.email).await?;
        let seen = self.password_of(context, id).await?;
        let hash = seen.as_ref().map(|(_, hash)| hash.clone());
        let checked = hashing.check(log_in.password.clone(), hash).await?;
        let (Some(id), Some((compared, _))) = (id, seen) else {
            return Err(login_failed());
        };
        // Hundreds of guesses may have waited for their hash: what has happened meanwhile counts.
        let known = self.resources.operators.fresh(&context.tenant, id).await?;
        let facts = known.state.facts().ok_or_else(login_failed)?;
        let browser = KnownBrowser::of(log_in.browser.as_ref(), id);
        let shut = facts.disabled || facts.locked_until(browser.as_deref(), context.now).is_some();
        let changed = facts.password.as_ref() != Some(&compared);
        if shut || changed || !checked.right {
            self.note_failure(context, id, rules, browser).await?;
            return Err(login_failed());
        }
        let context = &context.by_operator(id);
        if checked.weak {
            self.hash_anew(context, hashing, facts, compared, log_in.password)
                .await?;
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
        browser: Option<&KnownBrowser>,
    ) -> Result<SignedIn, CommandError> {
        let (session, facts) = waiting(holder, Level::Password)?;
        let id = facts.id.0;
        let browser = KnownBrowser::of(browser, id);
        let shut = facts.locked_until(browser.as_deref(), context.now).is_some();
        let right = !shut && self.use_code(context, facts, given).await?;
        if !right {
            self.note_failure(context, id, rules, browser).await?;
            return Err(code_invalid());
        }
        let context = &context.by_operator(id);
        // Shut meanwhile, the door tells nobody that the code was right.
        let let_in = self.let_in(context, id, browser).await;
        let_in.map_err(|error| if is_rule(&error) { code_invalid() } else { error })?;
        let session = self.elevate_session(context, session, token).await?;
        Ok(SignedIn {
            operator: id,
            session,
            next: NextStep::Done,
        })
    }

    async fn use_code(&self, context: &Context, facts: &KnownOperator, given: GivenCode) -> Result<bool, CommandError> {
        let at = context.now;
        let order = match given {
            GivenCode::Code(code) => {
                let sealer = self.sealer_of(context, facts).await?;
                let secret = facts
                    .factor
                    .as_ref()
                    .map(|factor| sealer.open(&factor.secret))
                    .transpose()?;
                let step = secret.and_then(|secret| factor::step_of(&code, &secret, at.seconds()));
                let Some(step) = step else { return Ok(false) };
                OperatorCommand::UseCode { step, at }
            }
            GivenCode::Recovery(code) => {
                let code = self.recovery_digest(context, &code).await?;
                OperatorCommand::UseRecoveryCode { code, at }
            }
        };
        match self.order(context, facts.id.0, order).await {
            Ok(events) => Ok(!matches!(events.first(), Some(OperatorEvent::CodeReused(_)))),
            Err(error) if is_rule(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn let_in(
        &self,
        context: &Context,
        id: Uuid,
        browser: Option<String>,
    ) -> Result<(), CommandError> {
        let order = OperatorCommand::LogIn {
            browser,
            at: context.now,
        };
        self.order(context, id, order).await.map(drop)
    }

    /// Counts a failure. Where so many fail at once that one cannot be written, the others count, and nobody who guesses
    /// is told.
    pub(super) async fn note_failure(
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
        match self.order(context, id, order).await {
            Ok(_) | Err(CommandError::Contended) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same password under today's parameters.
    async fn hash_anew(
        &self,
        context: &Context,
        hashing: &Hashing,
        facts: &KnownOperator,
        was: Sealed,
        password: String,
    ) -> Result<(), CommandError> {
        let hash = hashing.hash(&self.edge, password).await?;
        let order = OperatorCommand::Rehash {
            was,
            password: self.sealer_of(context, facts).await?.seal(&hash),
            at: context.now,
        };
        self.order(context, facts.id.0, order).await.map(drop)
    }

    /// Orders something of an operator; answers what was recorded.
    pub(super) async fn order(
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

    /// Who an operator is.
    pub async fn operator_person(
        &self,
        tenant: &Tenant,
        facts: &KnownOperator,
    ) -> Result<OperatorPerson, CommandError> {
        let sealer = self
            .vault
            .sealer(tenant, Purpose::Person, &facts.id.to_string())
            .await?;
        Ok(OperatorPerson {
            name: sealer.open(&facts.name)?,
            email: sealer.open(&facts.email)?,
        })
    }

    /// Which operator signs in by an address, however it is written.
    pub async fn operator_by_email(&self, context: &Context, email: &str) -> Result<Option<Uuid>, CommandError> {
        let key = self.look_up_key(&context.tenant).await?;
        let hash = key.hash(EMAIL_CLAIM, login_name(email).as_bytes());
        self.holder(&context.tenant, EMAIL_CLAIM, hash).await
    }

    /// The hash of an operator's password, sealed and open; looked for in the same way where there is no operator.
    pub(super) async fn password_of(
        &self,
        context: &Context,
        id: Option<Uuid>,
    ) -> Result<Option<(Sealed, String)>, CommandError> {
        let known = self
            .resources
            .operators
            .fresh(&context.tenant, id.unwrap_or_default())
            .await?;
        let Some(facts) = known.state.facts() else {
            return Ok(None);
        };
        let Some(sealed) = facts.password.clone() else {
            return Ok(None);
        };
        let hash = self.sealer_of(context, facts).await?.open(&sealed)?;
        Ok(Some((sealed, hash)))
    }

    pub(super) async fn sealer_of(&self, context: &Context, facts: &KnownOperator) -> Result<Sealer, CommandError> {
        let id = facts.id.to_string();
        Ok(self.vault.sealer(&context.tenant, Purpose::Person, &id).await?)
    }

    pub(super) async fn recovery_digest(&self, context: &Context, code: &str) -> Result<String, CommandError> {
        let key = self.look_up_key(&context.tenant).await?;
        Ok(hex::encode(key.hash("recovery_code", factor::plain(code).as_bytes())))
    }
}

/// The session that waits for this, and whose it is.
pub(super) fn waiting(holder: &SessionHolder, level: Level) -> Result<(Uuid, &KnownOperator), CommandError> {
    let session = holder.session.state.facts().filter(|session| session.level == level);
    let session = session.ok_or_else(code_invalid)?;
    let facts = holder.operator.state.facts().ok_or_else(code_invalid)?;
    Ok((session.begun.session_id.0, facts))
}

/// Whether the rules have refused, and nothing has failed.
fn is_rule(error: &CommandError) -> bool {
    matches!(error, CommandError::Resource(_))
}
