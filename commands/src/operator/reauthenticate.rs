//! Asks for the password again, and changes it.

use licet_domain::operator::OperatorCommand;
use uuid::Uuid;

use super::{Hashing, KnownBrowser, SignInRules, login_failed, password};
use crate::{CommandError, Context, Fields, Platform, session::SessionHolder};

impl Platform {
    /// Compares the password of whoever has a session; a wrong one counts as a failure to get in.
    pub async fn reauthenticate(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        holder: &SessionHolder,
        password: &str,
        browser: Option<&KnownBrowser>,
    ) -> Result<(), CommandError> {
        let (session, id) = ids(holder)?;
        self.expect_password(context, hashing, rules, id, password, browser)
            .await?;
        self.reauthenticated(&context.by_operator(id), session).await
    }

    /// Sets another password of whoever has a session and knows the old one. All other sessions are over.
    pub async fn change_password(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        holder: &SessionHolder,
        (old, new): (&str, &str),
        browser: Option<&KnownBrowser>,
    ) -> Result<(), CommandError> {
        let (session, id) = ids(holder)?;
        self.expect_password(context, hashing, rules, id, old, browser).await?;
        let context = &context.by_operator(id);
        let facts = holder.operator.state.facts().ok_or_else(login_failed)?;
        let sealer = self.sealer_of(context, facts).await?;
        let mut fields = Fields::new();
        let new = fields.take("new", password::acceptable(new, &sealer.open(&facts.email)?));
        let hash = hashing.hash(&self.edge, fields.finish(new)?).await?;
        // First the session, so that there is no moment in which the new password has ended it too.
        self.reauthenticated(context, session).await?;
        let order = OperatorCommand::SetPassword {
            password: sealer.seal(&hash),
            at: context.now,
        };
        self.order(context, id, order).await.map(drop)
    }

    async fn expect_password(
        &self,
        context: &Context,
        hashing: &Hashing,
        rules: SignInRules,
        id: Uuid,
        password: &str,
        browser: Option<&KnownBrowser>,
    ) -> Result<(), CommandError> {
        let seen = self.password_of(context, Some(id)).await?;
        let hash = seen.map(|(_, hash)| hash);
        let checked = hashing.check(password.to_owned(), hash).await?;
        let known = self.resources.operators.fresh(&context.tenant, id).await?;
        let facts = known.state.facts().ok_or_else(login_failed)?;
        let browser = KnownBrowser::of(browser, id);
        let shut = facts.disabled || facts.locked_until(browser.as_deref(), context.now).is_some();
        if shut || !checked.right {
            self.note_failure(context, id, rules, browser).await?;
            return Err(login_failed());
        }
        Ok(())
    }
}

fn ids(holder: &SessionHolder) -> Result<(Uuid, Uuid), CommandError> {
    let session = holder.session.state.facts().ok_or_else(login_failed)?;
    Ok((session.begun.session_id.0, session.begun.operator_id.0))
}
