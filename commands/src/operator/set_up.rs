//! The first operator, and the way back for who has the database: by a link that names its end and is good once.
//!
//! A link is signed and nowhere kept. It says which operator it makes, so that the second use finds that one there; the
//! first of a house takes a claim besides, which ends all links that were made before there was anybody.

use licet_domain::{
    ResourceRejection,
    operation::{OperationEvent, SetupLinkMade},
    operator::{Operator, OperatorCommand, OperatorInvited},
    permission::Role,
    values::{Email, OperatorId, Text},
};
use licet_event_store::{Claim, Envelope, Tenant, vault::Purpose};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{EMAIL_CLAIM, Hashing, login_name, password};
use crate::{CommandError, Context, Fields, Platform};

/// For how long a setup link is good, in seconds.
const SETUP_SECONDS: i64 = 86_400;
/// What the first operator of a house claims.
const FIRST: &str = "first_operator";

/// What a setup link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupLink {
    /// The first operator; it is good while there is none.
    First,
    /// One more owner, whoever there is.
    Rescue,
}

impl SetupLink {
    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Rescue => "rescue",
        }
    }
}

/// An owner as it is set up.
#[derive(Debug, Clone)]
pub struct NewOwner {
    /// What the link carries.
    pub token: String,
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

impl Platform {
    /// Whether a house has had an operator.
    pub async fn has_operators(&self, tenant: &Tenant) -> Result<bool, CommandError> {
        let key = self.look_up_key(tenant).await?;
        Ok(self.holder(tenant, FIRST, key.hash(FIRST, b"")).await?.is_some())
    }

    /// What a new setup link carries. That there is one stands in the log before anybody has it.
    pub async fn setup_token(&self, context: &Context, link: SetupLink) -> Result<String, CommandError> {
        let (id, end) = (self.edge.id(), context.now.plus_seconds(SETUP_SECONDS));
        let event = OperationEvent::SetupLinkMade(SetupLinkMade {
            ends_at: end,
            at: context.now,
        });
        self.record_operation(context, &id.to_string(), &event).await?;
        let said = format!("{}.{}.{}", link.as_str(), end.seconds(), id.simple());
        let signature = self.setup_signature(&context.tenant, &said).await?;
        Ok(format!("{said}.{signature}"))
    }

    /// Takes an owner up by a setup link; answers its id.
    pub async fn set_up(&self, context: &Context, hashing: &Hashing, new: NewOwner) -> Result<Uuid, CommandError> {
        let (link, id) = self.read_setup_token(context, &new.token).await?.ok_or_else(invalid)?;
        let mut fields = Fields::new();
        let name = fields.take("name", Text::<200>::parse(&new.name));
        let email = fields.take("email", Email::parse(&new.email));
        let password = fields.take("password", password::acceptable(&new.password, &new.email));
        let ((name, email), password) = fields.finish(name.zip(email).zip(password))?;
        let sealer = self
            .vault
            .sealer(&context.tenant, Purpose::Person, &id.to_string())
            .await?;
        let operator = OperatorInvited {
            operator_id: OperatorId(id),
            name: sealer.seal(name.as_str()),
            email: sealer.seal(email.as_str()),
            role: Role::Owner,
            invitation: String::new(),
            invitation_ends_at: context.now,
            at: context.now,
        };
        let sealed = sealer.seal(&hashing.hash(&self.edge, password).await?);
        let claimed = login_name(&new.email);
        let mut claims = vec![self.claim(&context.tenant, EMAIL_CLAIM, &claimed, id).await?];
        claims.extend(self.first_claim(context, link, id).await?);
        let envelope = Envelope {
            claims,
            ..context.envelope()
        };
        let order = |_: &Operator| {
            Ok(OperatorCommand::SetUp {
                operator: Box::new(operator.clone()),
                password: sealed.clone(),
            })
        };
        let about = (id, context, envelope);
        let done = self
            .run(&self.resources.operators, about, order, |_| Ok(()), &|()| String::new())
            .await;
        match done {
            Ok(_) => Ok(id),
            // Used before, or someone was faster with another link.
            Err(CommandError::Taken(FIRST) | CommandError::Resource(ResourceRejection::AlreadyExists(_))) => {
                Err(invalid())
            }
            Err(error) => Err(error),
        }
    }

    /// The first of a house claims it; later ones need no claim, and a house that has one has been claimed.
    async fn first_claim(&self, context: &Context, link: SetupLink, id: Uuid) -> Result<Option<Claim>, CommandError> {
        let claimed = link == SetupLink::Rescue && self.has_operators(&context.tenant).await?;
        if claimed {
            return Ok(None);
        }
        Ok(Some(self.claim(&context.tenant, FIRST, "", id).await?))
    }

    async fn read_setup_token(
        &self,
        context: &Context,
        token: &str,
    ) -> Result<Option<(SetupLink, Uuid)>, CommandError> {
        let Some((said, signature)) = token.rsplit_once('.') else {
            return Ok(None);
        };
        let expected = self.setup_signature(&context.tenant, said).await?;
        if !bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
            return Ok(None);
        }
        let mut parts = said.split('.');
        let link = match parts.next() {
            Some("first") => SetupLink::First,
            Some("rescue") => SetupLink::Rescue,
            _ => return Ok(None),
        };
        let end = parts.next().and_then(|end| end.parse::<i64>().ok());
        let id = parts.next().and_then(|id| id.parse::<Uuid>().ok());
        let alive = end.is_some_and(|end| context.now.seconds() < end);
        Ok(id.filter(|_| alive).map(|id| (link, id)))
    }

    async fn setup_signature(&self, tenant: &Tenant, said: &str) -> Result<String, CommandError> {
        let key = self.look_up_key(tenant).await?;
        Ok(hex::encode(key.hash("operator_setup", said.as_bytes())))
    }
}

fn invalid() -> CommandError {
    CommandError::Resource(ResourceRejection::Conflict {
        code: "SETUP_LINK_INVALID",
        detail: "this link was used already, or its time is over; `licet operators setup-link` makes another one",
    })
}
