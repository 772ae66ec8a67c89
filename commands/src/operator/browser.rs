//! Browsers that knew an operator before: what they keep proves it.

use licet_event_store::Tenant;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{CommandError, Platform};

/// A browser that an operator has signed in with before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBrowser {
    /// Which operator.
    pub operator: Uuid,
    /// What its failures are counted under.
    pub name: String,
}

impl KnownBrowser {
    /// Its name, where it knew this operator and not another one.
    pub(super) fn of(browser: Option<&Self>, operator: Uuid) -> Option<String> {
        browser
            .filter(|known| known.operator == operator)
            .map(|known| known.name.clone())
    }
}

impl Platform {
    /// What a browser keeps that an operator has just signed in with.
    pub async fn browser_proof(&self, tenant: &Tenant, operator: Uuid) -> Result<String, CommandError> {
        let said = format!("{}.{}", operator.simple(), hex::encode(self.edge.bytes::<12>()));
        let signature = self.browser_signature(tenant, &said).await?;
        Ok(format!("{said}.{signature}"))
    }

    /// What a kept proof proves; `None` for what this house has not made.
    pub async fn read_browser_proof(&self, tenant: &Tenant, proof: &str) -> Result<Option<KnownBrowser>, CommandError> {
        let Some((said, signature)) = proof.rsplit_once('.') else {
            return Ok(None);
        };
        let expected = self.browser_signature(tenant, said).await?;
        if !bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
            return Ok(None);
        }
        let read = said.split_once('.').and_then(|(operator, name)| {
            Some(KnownBrowser {
                operator: operator.parse().ok()?,
                name: name.to_owned(),
            })
        });
        Ok(read)
    }

    async fn browser_signature(&self, tenant: &Tenant, said: &str) -> Result<String, CommandError> {
        let key = self.look_up_key(tenant).await?;
        Ok(hex::encode(key.hash("operator_browser", said.as_bytes())))
    }
}
