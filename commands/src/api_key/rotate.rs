//! Lets a new API key take an old one's place.

use licet_domain::{
    Decider, Resource as _,
    api_key::{ApiKey, ApiKeyCommand},
};
use licet_event_store::{LogTable, NewEvent, StreamEvents};
use uuid::Uuid;

use super::CreatedApiKey;
use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// The longest that two keys stand in for each other: 90 days.
const LONGEST_OVERLAP: i64 = 90 * 86_400;

impl Platform {
    /// Makes a key of the same name and scopes, with the same end where no other is asked for; the old one ends by itself after the overlap. Both or neither.
    pub async fn rotate_api_key(
        &self,
        context: &Context,
        id: Uuid,
        overlap_seconds: i64,
        expires_at: Option<Option<String>>,
        body: Body<'_, CreatedApiKey>,
    ) -> Result<Done<CreatedApiKey>, CommandError> {
        let mut fields = Fields::new();
        if !(0..=LONGEST_OVERLAP).contains(&overlap_seconds) {
            let detail = "an overlap has 0 to 7,776,000 seconds";
            fields.complain("overlap_seconds", "OUT_OF_RANGE", detail);
        }
        let read_end = |end: Option<String>| fields.time("expires_at", end.as_deref());
        let expires_at = expires_at.map(read_end);
        fields.finish(Some(()))?;
        let old = self.resources.api_keys.fresh(&context.tenant, id).await?;
        let known = old.state.facts().ok_or(CommandError::not_found(ApiKey::KIND))?;
        let (name, scopes) = (known.created.name.clone(), known.created.scopes.clone());
        let expires_at = expires_at.unwrap_or(known.created.expires_at);
        let made = self.make_api_key(context, name, scopes, expires_at).await?;
        let new_id = made.created.api_key_id;
        let supersede = ApiKeyCommand::Supersede {
            by: new_id,
            expires_at: context.now.plus_seconds(overlap_seconds),
            at: context.now,
        };
        let ended = ApiKey::decide(&old.state, supersede)?;
        let begun = ApiKey::decide(&ApiKey::default(), ApiKeyCommand::Create(made.created))?;
        let key = begun.iter().fold(ApiKey::default(), ApiKey::evolve);
        let value = CreatedApiKey {
            key,
            secret: made.secret,
        };
        let mut submission = Self::submission(context, context.answer(|| body(&value)));
        submission.claims = vec![made.claim];
        let stream = |id: Uuid, expected_version, events: &[licet_domain::api_key::ApiKeyEvent]| StreamEvents {
            table: LogTable::Events,
            aggregate_type: ApiKey::TYPE,
            aggregate_id: id.to_string(),
            expected_version,
            events: events.iter().map(NewEvent::of).collect(),
        };
        submission.streams = vec![stream(new_id.0, 0, &begun), stream(id, old.version, &ended)];
        let appended = self.log.append(submission).await;
        // What this node remembers of the old key is out of date now.
        self.resources.api_keys.invalidate(&context.tenant, id, u64::MAX);
        Ok(Done {
            value,
            position: appended?.position,
            changed: true,
        })
    }
}
