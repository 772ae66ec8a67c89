//! Changes what operators are, and keeps a house from losing its last owner.

use licet_domain::{
    Decider as _, Resource as _, ResourceRejection,
    operator::{KnownOperator, Operator, OperatorCommand},
    permission::Role,
    values::Text,
};
use licet_event_store::{Precondition, Tenant};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform, Unchanged};

/// How often it is tried again when the owner who stays did something at the same moment.
const ATTEMPTS: usize = 5;

/// What is to be done with an operator.
#[derive(Debug, Clone)]
pub enum OperatorChange {
    /// Call it otherwise, let it do something else; what is absent stays.
    Edit {
        /// The name.
        name: Option<String>,
        /// The role.
        role: Option<Role>,
    },
    /// Let nobody in under this name.
    Disable,
    /// Let it in again.
    Enable,
    /// Take its second factor away.
    ResetFactor,
    /// Forget its failures.
    Unlock,
}

impl OperatorChange {
    fn ends_ownership(&self) -> bool {
        match self {
            Self::Disable => true,
            Self::Edit { role, .. } => role.is_some_and(|role| role != Role::Owner),
            Self::Enable | Self::ResetFactor | Self::Unlock => false,
        }
    }
}

impl Platform {
    /// Changes an operator that still is as `unchanged` says. `owners` are those that are known: where it was one of them
    /// and is no longer, another one stays, whatever happens at the same moment.
    pub async fn change_operator(
        &self,
        context: &Context,
        id: Uuid,
        change: &OperatorChange,
        owners: &[Uuid],
        unchanged: Unchanged<'_, Operator>,
        body: Body<'_, Operator>,
    ) -> Result<Done<Operator>, CommandError> {
        for _ in 0..ATTEMPTS {
            let done = self.try_change(context, id, change, owners, unchanged, body).await;
            if !matches!(done, Err(CommandError::Contended)) {
                return done;
            }
        }
        Err(CommandError::Contended)
    }

    async fn try_change(
        &self,
        context: &Context,
        id: Uuid,
        change: &OperatorChange,
        owners: &[Uuid],
        unchanged: Unchanged<'_, Operator>,
        body: Body<'_, Operator>,
    ) -> Result<Done<Operator>, CommandError> {
        let known = self.resources.operators.fresh(&context.tenant, id).await?;
        let facts = known.state.facts();
        let facts = facts.ok_or_else(|| CommandError::not_found(Operator::KIND))?;
        let mut envelope = context.envelope();
        envelope.command_id = self.edge.id();
        if is_owner(facts) && change.ends_ownership() {
            envelope.preconditions = vec![self.owner_who_stays(&context.tenant, id, owners).await?];
        }
        let name = self.new_name(context, facts, change).await?;
        let at = context.now;
        let had_role = facts.role;
        let order = |state: &Operator| {
            let facts = state.facts().ok_or_else(|| CommandError::not_found(Operator::KIND))?;
            // The owner who stays was looked for, or not, because of the role that was seen.
            if facts.role != had_role {
                return Err(CommandError::Contended);
            }
            Ok(match change {
                OperatorChange::Edit { role, .. } => OperatorCommand::Edit {
                    name: name.clone().unwrap_or_else(|| facts.name.clone()),
                    role: role.unwrap_or(facts.role),
                    at,
                },
                OperatorChange::Disable => OperatorCommand::Disable { at },
                OperatorChange::Enable => OperatorCommand::Enable { at },
                OperatorChange::ResetFactor => OperatorCommand::ResetFactor { at },
                OperatorChange::Unlock => OperatorCommand::Unlock { at },
            })
        };
        self.change((id, context, envelope), unchanged, order, body).await
    }

    /// The new name, sealed; none where it stays, so that the same name is no change.
    async fn new_name(
        &self,
        context: &Context,
        facts: &KnownOperator,
        change: &OperatorChange,
    ) -> Result<Option<licet_domain::values::Sealed>, CommandError> {
        let OperatorChange::Edit { name: Some(name), .. } = change else {
            return Ok(None);
        };
        let mut fields = Fields::new();
        let name = fields.take("name", Text::<200>::parse(name));
        let name = fields.finish(name)?;
        let sealer = self.sealer_of(context, facts).await?;
        let same = sealer.open(&facts.name)? == name.as_str();
        Ok((!same).then(|| sealer.seal(name.as_str())))
    }

    /// That another owner, who can get in, is as it was when it was looked at.
    async fn owner_who_stays(&self, tenant: &Tenant, id: Uuid, owners: &[Uuid]) -> Result<Precondition, CommandError> {
        for owner in owners.iter().filter(|owner| **owner != id) {
            let known = self.resources.operators.fresh(tenant, *owner).await?;
            if known.state.facts().is_some_and(is_owner) {
                return Ok(Precondition::StreamUnchanged {
                    aggregate_type: Operator::TYPE,
                    aggregate_id: owner.to_string(),
                    version: known.version,
                });
            }
        }
        Err(CommandError::Resource(ResourceRejection::Conflict {
            code: "LAST_OWNER",
            detail: "this is the last owner who can sign in; make another operator owner first",
        }))
    }
}

/// Whether it is an owner who can get in.
fn is_owner(operator: &KnownOperator) -> bool {
    operator.role == Role::Owner && !operator.disabled && operator.password.is_some()
}
