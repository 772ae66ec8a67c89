//! Takes operators up: by a link that is handed out, good once.

use licet_domain::{
    operator::{INVITATION_INVALID, Operator, OperatorCommand, OperatorInvited, OperatorReinvited},
    permission::Role,
    values::{Email, OperatorId, Text},
};
use licet_event_store::{Envelope, vault::Purpose};
use uuid::Uuid;

use super::{EMAIL_CLAIM, Hashing, login_name, password};
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// For how long a link is good.
const INVITATION_SECONDS: i64 = 86_400;

/// An operator as it is asked for.
#[derive(Debug, Clone)]
pub struct NewOperator {
    /// The name.
    pub name: String,
    /// The mail address, by which it signs in.
    pub email: String,
    /// What it may do.
    pub role: Role,
}

/// An operator that was just invited.
#[derive(Debug, Clone)]
pub struct InvitedOperator {
    /// It.
    pub operator: Operator,
    /// What the link carries: the only time that it is seen.
    pub token: String,
}

impl Platform {
    /// Invites an operator; its address must be nobody else's. Who it is enters the log sealed with a key of its own.
    pub async fn invite_operator(
        &self,
        context: &Context,
        new: NewOperator,
        body: Body<'_, InvitedOperator>,
    ) -> Result<Done<InvitedOperator>, CommandError> {
        let mut fields = Fields::new();
        let name = fields.take("name", Text::<200>::parse(&new.name));
        let email = fields.take("email", Email::parse(&new.email));
        let (name, email) = fields.finish(name.zip(email))?;
        let id = self.edge.id();
        let secret = hex::encode(self.edge.bytes::<24>());
        let sealer = self
            .vault
            .sealer(&context.tenant, Purpose::Person, &id.to_string())
            .await?;
        let invited = OperatorInvited {
            operator_id: OperatorId(id),
            name: sealer.seal(name.as_str()),
            email: sealer.seal(email.as_str()),
            role: new.role,
            invitation: self.invitation_digest(context, &secret).await?,
            invitation_ends_at: context.now.plus_seconds(INVITATION_SECONDS),
            at: context.now,
        };
        let name = login_name(&new.email);
        let claim = self.claim(&context.tenant, EMAIL_CLAIM, &name, id);
        let envelope = Envelope {
            claims: vec![claim.await?],
            ..context.envelope()
        };
        let order = |_: &_| Ok(OperatorCommand::Invite(Box::new(invited.clone())));
        let token = format!("{}.{secret}", id.simple());
        let output = |state: &Operator| {
            Ok(InvitedOperator {
                operator: state.clone(),
                token: token.clone(),
            })
        };
        let about = (id, context, envelope);
        self.run(&self.resources.operators, about, order, output, body).await
    }

    /// Hands out another link to one who has set no password yet; the link before is good no more.
    pub async fn reinvite_operator(
        &self,
        context: &Context,
        id: Uuid,
        body: Body<'_, InvitedOperator>,
    ) -> Result<Done<InvitedOperator>, CommandError> {
        let secret = hex::encode(self.edge.bytes::<24>());
        let reinvited = OperatorReinvited {
            invitation: self.invitation_digest(context, &secret).await?,
            invitation_ends_at: context.now.plus_seconds(INVITATION_SECONDS),
            at: context.now,
        };
        let order = |_: &_| Ok(OperatorCommand::Reinvite(reinvited.clone()));
        let token = format!("{}.{secret}", id.simple());
        let output = |state: &Operator| {
            Ok(InvitedOperator {
                operator: state.clone(),
                token: token.clone(),
            })
        };
        let about = (id, context, context.envelope());
        self.run(&self.resources.operators, about, order, output, body).await
    }

    /// Sets the first password by a link; answers whose it was. The link is looked at before the password: who has none
    /// learns nothing about operators, and keeps no hashing busy.
    pub async fn accept_invitation(
        &self,
        context: &Context,
        hashing: &Hashing,
        token: &str,
        password: &str,
    ) -> Result<Uuid, CommandError> {
        let named = token
            .split_once('.')
            .and_then(|(id, secret)| Some((id.parse::<Uuid>().ok()?, secret)));
        let (id, secret) = named.ok_or(CommandError::Resource(INVITATION_INVALID))?;
        let digest = self.invitation_digest(context, secret).await?;
        let known = self.resources.operators.fresh(&context.tenant, id).await?;
        let facts = known
            .state
            .facts()
            .filter(|facts| facts.has_invitation(&digest, context.now));
        let facts = facts.ok_or(CommandError::Resource(INVITATION_INVALID))?;
        let sealer = self
            .vault
            .sealer(&context.tenant, Purpose::Person, &id.to_string())
            .await?;
        let email = sealer.open(&facts.email)?;
        let mut fields = Fields::new();
        let password = fields.take("password", password::acceptable(password, &email));
        let hash = hashing.hash(&self.edge, fields.finish(password)?).await?;
        let sealed = sealer.seal(&hash);
        let order = |_: &_| {
            Ok(OperatorCommand::Accept {
                invitation: digest.clone(),
                password: sealed.clone(),
                at: context.now,
            })
        };
        let about = (id, context, context.envelope());
        self.run(&self.resources.operators, about, order, |_| Ok(()), &|()| String::new())
            .await?;
        Ok(id)
    }

    async fn invitation_digest(&self, context: &Context, secret: &str) -> Result<String, CommandError> {
        let key = self.look_up_key(&context.tenant).await?;
        Ok(hex::encode(key.hash("operator_invitation", secret.as_bytes())))
    }
}
