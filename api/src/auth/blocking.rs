//! Keeps out whoever comes from a blocked range of addresses, and blocks whoever guesses at many accounts.

use axum::http::StatusCode;
use licet_commands::{CommandError, Context};
use licet_domain::{blocked_address::BlockedAddress, values::AddressRange};
use licet_projections::{
    nodes::login_failures::{self, LoginFailure},
    resources,
};

use super::Visitor;
use crate::{
    App,
    problem::{Problem, Result, unavailable},
};

/// Why a range was blocked by itself.
const REASON: &str = "failures over many accounts";

/// Refuses who wants in from a blocked range. What blocked itself lets in browsers that have signed in before: whoever
/// guesses from the same office keeps nobody out who works there.
pub(crate) async fn expect_let_in(app: &App, visitor: &Visitor) -> Result<()> {
    let Some(address) = visitor.origin.address else {
        return Ok(());
    };
    let ids = app.platform.block_ids_around(&app.tenant, address).await?;
    let around = resources::of_ids::<BlockedAddress>(&app.reader, &app.tenant, &ids).await;
    let now = app.platform.edge.now();
    let blocked = around.map_err(unavailable)?.into_values().any(|block| {
        let BlockedAddress::Live(block) = block else {
            return false;
        };
        let let_in = block.automatic && visitor.browser.is_some();
        !block.is_over(now) && !let_in
    });
    if !blocked {
        return Ok(());
    }
    app.metrics.login("blocked");
    let detail = format!(
        "Nobody signs in from {address}, as which you are seen. A colleague can unblock it under Blocked addresses; \
         whoever has the server, by `licet operators unblock {address}`."
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "ADDRESS_BLOCKED", detail))
}

/// Counts a failure to get in as someone, whether there is such a one or not; beyond the limit the address is blocked.
pub(crate) async fn note_failure(app: &App, visitor: &Visitor, account: &str) -> Result<()> {
    let Some(address) = visitor.origin.address else {
        return Ok(());
    };
    let (now, rules) = (app.platform.edge.now(), &app.settings.sign_in);
    let seconds = rules.rules.lock_out.seconds;
    let key = app.platform.look_up_key(&app.tenant).await?;
    let hash = |text: &str| key.hash("login_failure", text.as_bytes());
    let failure = LoginFailure {
        range: hash(&AddressRange::of(address).to_string()),
        account: hash(account),
    };
    let pool = app.platform.log.pool();
    let accounts = login_failures::note(pool, &app.tenant, failure, now, now.plus_seconds(-seconds)).await;
    if accounts.map_err(unavailable)? < rules.max_accounts {
        return Ok(());
    }
    let context = Context::system("sign_in", app.tenant.clone(), now, app.platform.edge.id());
    let until = now.plus_seconds(seconds);
    match app.platform.block_by_itself(&context, address, REASON, until).await {
        // Many fail at the same moment: one of them blocks.
        Ok(_) | Err(CommandError::Contended) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
