//! Who did something, by name.

use std::collections::HashMap;

use licet_commands::CommandError;
use licet_contracts::admin;
use licet_domain::{api_key::ApiKey, operator::Operator};
use licet_event_store::{ActorKind, Tenant};
use uuid::Uuid;

use crate::{App, problem::Result};

/// Names of actors, each looked up once for a page.
pub(crate) struct Actors<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    known: HashMap<(String, String), Option<String>>,
}

impl<'a> Actors<'a> {
    pub(crate) fn new(app: &'a App, tenant: &'a Tenant) -> Self {
        let known = HashMap::new();
        Self { app, tenant, known }
    }

    /// An actor with its name: a person's, or a key's. Machines have none.
    pub(crate) async fn named(&mut self, kind: &str, id: &str) -> Result<admin::Actor> {
        let key = (kind.to_owned(), id.to_owned());
        if !self.known.contains_key(&key) {
            let name = self.name(kind, id).await?;
            self.known.insert(key.clone(), name);
        }
        let name = self.known.get(&key).cloned().flatten();
        let (kind, id) = key;
        Ok(admin::Actor { kind, id, name })
    }

    async fn name(&self, kind: &str, id: &str) -> Result<Option<String>> {
        let Ok(uuid) = id.parse::<Uuid>() else {
            return Ok((kind == ActorKind::System.as_str()).then(|| id.to_owned()));
        };
        if kind == ActorKind::Operator.as_str() {
            return operator_name(self.app, self.tenant, uuid).await;
        }
        if kind == ActorKind::ApiKey.as_str() {
            let known = self.app.platform.of::<ApiKey>().get(self.tenant, uuid).await;
            let known = known.map_err(CommandError::from)?;
            return Ok(known.state.facts().map(|key| key.created.name.as_str().to_owned()));
        }
        Ok(None)
    }
}

/// An operator's name.
pub(crate) async fn operator_name(app: &App, tenant: &Tenant, id: Uuid) -> Result<Option<String>> {
    let known = app.platform.of::<Operator>().get(tenant, id).await;
    let known = known.map_err(CommandError::from)?;
    let Some(facts) = known.state.facts() else {
        return Ok(None);
    };
    Ok(Some(app.platform.operator_person(tenant, facts).await?.name))
}
