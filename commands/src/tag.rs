//! Use cases of tags.

use licet_domain::{
    Resource as _,
    tag::{Color, Tag, TagCommand, TagCreated, TagEdited, TagId},
    values::Text,
};
use licet_event_store::{Claim, Release};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform, Unchanged};

/// A tag's name is claimed by it.
const CLAIM: &str = "tag_name";

/// A tag as it is asked for.
#[derive(Debug, Clone)]
pub struct NewTag {
    /// The word.
    pub name: String,
    /// `#rrggbb`; absent is gray.
    pub color: Option<String>,
}

/// What is to change; what is absent stays.
#[derive(Debug, Clone)]
pub struct TagChanges {
    /// The word.
    pub name: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
}

impl Platform {
    /// Makes a tag under a name that no other tag in use has.
    pub async fn create_tag(
        &self,
        context: &Context,
        new: NewTag,
        body: Body<'_, Tag>,
    ) -> Result<Done<Tag>, CommandError> {
        let mut fields = Fields::new();
        let name = fields.take("name", Text::parse(&new.name));
        let color = fields.take_optional("color", new.color.as_deref(), Color::parse);
        let name = fields.finish(name)?;
        let id = self.edge.id();
        let claim = self.claim_name(context, &name, id).await?;
        let command = TagCommand::Create(TagCreated {
            tag_id: TagId(id),
            name,
            color: color.unwrap_or_else(Color::gray),
            at: context.now,
        });
        self.create(context, id, vec![claim], command, body).await
    }

    /// Changes a tag that still is as `unchanged` says. Its old name is free again.
    pub async fn edit_tag(
        &self,
        context: &Context,
        id: Uuid,
        changes: TagChanges,
        unchanged: Unchanged<'_, Tag>,
        body: Body<'_, Tag>,
    ) -> Result<Done<Tag>, CommandError> {
        let mut fields = Fields::new();
        let name = changes.name.as_deref();
        let name = name.and_then(|name| fields.take("name", Text::parse(name)));
        let color = changes.color.as_deref();
        let color = color.and_then(|color| fields.take("color", Color::parse(color)));
        fields.finish(Some(()))?;
        let mut envelope = context.envelope();
        let known = self.of::<Tag>().fresh(&context.tenant, id).await?;
        let had = known.state.facts().map(|tag| &tag.name);
        if let (Some(name), Some(had)) = (&name, had) {
            let (new, old) = (
                self.claim_name(context, name, id).await?,
                self.claim_name(context, had, id).await?,
            );
            if new.value_hash != old.value_hash {
                envelope.releases = vec![freed(&old)];
                envelope.claims = vec![new];
            }
        }
        let order = |state: &Tag| {
            let tag = state.live(Tag::KIND)?;
            // The claims were made for the name that was seen.
            if Some(&tag.name) != had {
                return Err(CommandError::Contended);
            }
            Ok(TagCommand::Edit(TagEdited {
                name: name.clone().unwrap_or_else(|| tag.name.clone()),
                color: color.clone().unwrap_or_else(|| tag.color.clone()),
                at: context.now,
            }))
        };
        self.change((id, context, envelope), unchanged, order, body).await
    }

    /// Takes a tag out of use that still is as `unchanged` says. Its name is free again.
    pub async fn retire_tag(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: Unchanged<'_, Tag>,
    ) -> Result<Done<Tag>, CommandError> {
        let mut envelope = context.envelope();
        let known = self.of::<Tag>().fresh(&context.tenant, id).await?;
        let had = known.state.live(Tag::KIND).ok().map(|tag| &tag.name);
        if let Some(name) = had {
            envelope.releases = vec![freed(&self.claim_name(context, name, id).await?)];
        }
        let order = |state: &Tag| {
            let live = state.live(Tag::KIND).ok();
            if live.map(|tag| &tag.name) != had {
                return Err(CommandError::Contended);
            }
            Ok(Tag::retire(context.now))
        };
        let about = (id, context, envelope);
        self.change(about, unchanged, order, &|_| String::new()).await
    }

    async fn claim_name(&self, context: &Context, name: &Text<50>, id: Uuid) -> Result<Claim, CommandError> {
        let folded = name.as_str().to_lowercase();
        self.claim(&context.tenant, CLAIM, &folded, id).await
    }
}

fn freed(claim: &Claim) -> Release {
    Release {
        kind: claim.kind,
        value_hash: claim.value_hash,
    }
}
