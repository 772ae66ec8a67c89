//! Makes an API key.

use licet_domain::{
    api_key::{ApiKey, ApiKeyCommand, ApiKeyCreated, Scope},
    values::{ApiKeyId, Text, Timestamp, ValueError},
};
use licet_event_store::{Claim, Envelope};

use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A key as it is asked for.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// What it may do: `client`, `read`, `admin`.
    pub scopes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
}

/// A key that was just made: the only time that its secret is seen.
#[derive(Debug, Clone)]
pub struct CreatedApiKey {
    /// It.
    pub key: ApiKey,
    /// What goes into `X-API-Key`.
    pub secret: String,
}

impl Platform {
    /// Makes a key. Only the hash of its secret is kept.
    pub async fn create_api_key(
        &self,
        context: &Context,
        new: NewApiKey,
        body: Body<'_, CreatedApiKey>,
    ) -> Result<Done<CreatedApiKey>, CommandError> {
        let mut fields = Fields::new();
        let name = fields.take("name", Text::parse(&new.name));
        let scopes = fields.take("scopes", scopes(&new.scopes));
        let expires_at = fields.time("expires_at", new.expires_at.as_deref());
        let (name, scopes) = fields.finish(name.zip(scopes))?;
        let made = self.make_api_key(context, name, scopes, expires_at).await?;
        let (id, secret) = (made.created.api_key_id.0, made.secret);
        let envelope = Envelope {
            claims: vec![made.claim],
            ..context.envelope()
        };
        let created = made.created;
        let order = |_: &_| Ok(ApiKeyCommand::Create(created.clone()));
        let output = |state: &ApiKey| {
            Ok(CreatedApiKey {
                key: state.clone(),
                secret: secret.clone(),
            })
        };
        self.run(&self.resources.api_keys, (id, context, envelope), order, output, body)
            .await
    }
}

/// A key that is about to be recorded.
pub(super) struct MadeApiKey {
    pub(super) created: ApiKeyCreated,
    pub(super) secret: String,
    pub(super) claim: Claim,
}

impl Platform {
    /// Draws a secret; only its hash is kept.
    pub(super) async fn make_api_key(
        &self,
        context: &Context,
        name: Text<200>,
        scopes: Vec<Scope>,
        expires_at: Option<Timestamp>,
    ) -> Result<MadeApiKey, CommandError> {
        let id = self.edge.id();
        let secret = format!("lk_{}", hex::encode(self.edge.bytes::<24>()));
        let claim = self.claim(&context.tenant, "api_key", &secret, id).await?;
        Ok(MadeApiKey {
            created: ApiKeyCreated {
                api_key_id: ApiKeyId(id),
                name,
                scopes,
                prefix: secret[..9].to_owned(),
                expires_at,
                at: context.now,
            },
            secret,
            claim,
        })
    }
}

fn scopes(names: &[String]) -> Result<Vec<Scope>, ValueError> {
    let mut scopes = Vec::new();
    for name in names {
        scopes.push(match name.trim() {
            "client" => Scope::Client,
            "read" => Scope::Read,
            "admin" => Scope::Admin,
            _ => {
                let detail = "scopes are client, read and admin".to_owned();
                return Err(ValueError {
                    code: "SCOPE_INVALID",
                    detail,
                });
            }
        });
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}
