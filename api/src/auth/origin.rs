//! Where a request comes from, whoever sends it.

use std::net::IpAddr;

use axum::{extract::FromRequestParts, http::request::Parts};
use licet_commands::{Context, Network};
use licet_event_store::{Actor, Tenant};

use super::address::address;
use crate::{
    App,
    envelope::RequestId,
    extract::header,
    limits::RateLimitSlot,
    problem::{Problem, Result},
};

/// Where a request comes from, and under which id it is answered.
#[derive(Debug, Clone)]
pub(crate) struct RequestOrigin {
    pub(crate) address: Option<IpAddr>,
    pub(crate) rate_limit: RateLimitSlot,
    request_id: RequestId,
    user_agent: Option<String>,
}

impl RequestOrigin {
    pub(super) fn of(parts: &Parts, app: &App) -> Self {
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let user_agent = header(&parts.headers, "user-agent");
        Self {
            address: address(app, parts),
            rate_limit: parts.extensions.get::<RateLimitSlot>().cloned().unwrap_or_default(),
            request_id: request_id.unwrap_or_else(|| RequestId(String::new(), app.platform.edge.id())),
            user_agent: user_agent.map(|text| text.chars().take(200).collect()),
        }
    }

    /// For commands: with the client's address sealed.
    pub(crate) fn context(&self, app: &App, tenant: &Tenant, actor: Actor) -> Context {
        let mut context = self.reading(app, tenant, actor);
        if let Some(address) = self.address {
            let client = serde_json::json!({ "address": address, "user_agent": self.user_agent });
            context.client = Some(app.sealer.seal(&client.to_string()));
        }
        context
    }

    /// For what records nothing.
    pub(crate) fn reading(&self, app: &App, tenant: &Tenant, actor: Actor) -> Context {
        let RequestId(request_id, cause) = self.request_id.clone();
        Context {
            tenant: tenant.clone(),
            actor,
            now: app.platform.edge.now(),
            request_id,
            correlation_id: cause,
            command_id: app.platform.edge.id(),
            client: None,
            network: self.address.map(Network::of),
            idempotency: None,
        }
    }

    /// For whoever is still on the way in: until it is known who it is, the sign-in itself acts.
    pub(crate) fn stranger(&self, app: &App) -> Context {
        self.context(app, &app.tenant, Actor::system("sign_in"))
    }

    /// Counts a try to get in as someone, from where it comes and for whom it is; refuses it beyond the limit.
    pub(crate) fn limit_login(&self, app: &App, account: &str) -> Result<()> {
        let now = app.platform.edge.now();
        app.login_limits.by_login(account, self.address, &self.rate_limit, now)
    }
}

impl FromRequestParts<App> for RequestOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let origin = Self::of(parts, app);
        app.limits
            .by_address(origin.address, &origin.rate_limit, app.platform.edge.now())?;
        Ok(origin)
    }
}
