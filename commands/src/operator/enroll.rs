//! Makes a second factor count, for whoever has none.

use licet_domain::{
    operator::{FactorConfirmed, OperatorCommand},
    session::Level,
};

use super::{Enrollment, KnownBrowser, code_invalid, factor, sign_in::waiting};
use crate::{
    CommandError, Context, Platform,
    session::{OpenedSession, SessionHolder},
};

/// Recovery codes of one second factor.
const RECOVERY_CODES: usize = 10;

impl Platform {
    /// Proposes a second factor to whoever has none.
    pub async fn enroll(&self, context: &Context, holder: &SessionHolder) -> Result<Enrollment, CommandError> {
        let (_, facts) = waiting(holder, Level::Enroll)?;
        let context = &context.by_operator(facts.id.0);
        let sealer = self.sealer_of(context, facts).await?;
        let secret = self.edge.bytes::<20>();
        let order = OperatorCommand::ProposeFactor {
            secret: sealer.seal(&hex::encode(secret)),
            at: context.now,
        };
        self.order(context, facts.id.0, order).await?;
        Ok(Enrollment::of(&secret, &sealer.open(&facts.email)?))
    }

    /// Makes the proposed factor count, once a code of it was right; answers the recovery codes, and the session.
    pub async fn confirm_factor(
        &self,
        context: &Context,
        holder: &SessionHolder,
        token: &str,
        code: &str,
        browser: Option<&KnownBrowser>,
    ) -> Result<(Vec<String>, OpenedSession), CommandError> {
        let (session, facts) = waiting(holder, Level::Enroll)?;
        let id = facts.id.0;
        let context = &context.by_operator(id);
        let sealer = self.sealer_of(context, facts).await?;
        // What was checked is what counts, whatever is proposed meanwhile.
        let proposed = facts.proposed.clone().ok_or_else(code_invalid)?;
        let step = factor::step_of(code, &sealer.open(&proposed)?, context.now.seconds()).ok_or_else(code_invalid)?;
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| factor::recovery_code(self.edge.bytes()))
            .collect();
        let mut digests = Vec::with_capacity(codes.len());
        for code in &codes {
            digests.push(self.recovery_digest(context, code).await?);
        }
        let confirm = OperatorCommand::ConfirmFactor {
            secret: proposed,
            confirmed: FactorConfirmed {
                step,
                recovery_codes: digests,
                at: context.now,
            },
        };
        self.order(context, id, confirm).await?;
        self.let_in(context, id, KnownBrowser::of(browser, id)).await?;
        let session = self.elevate_session(context, session, token).await?;
        Ok((codes, session))
    }
}
