//! Records what operators do beside the rules.

use licet_domain::operation::{OPERATION, OperationEvent};
use licet_event_store::{AppendError, LogTable, NewEvent, ReadError, StreamEvents};

use crate::{CommandError, Context, Platform};

/// How often it is tried again when another one was recorded at the same moment.
const ATTEMPTS: usize = 8;

impl Platform {
    /// Records something that is about to be done to what has this id; answers its position. What a crash then leaves
    /// undone can be done again.
    pub async fn record_operation(
        &self,
        context: &Context,
        about: &str,
        event: &OperationEvent,
    ) -> Result<i64, CommandError> {
        for _ in 0..ATTEMPTS {
            let version = self.log.version(&context.tenant, OPERATION, about).await;
            let mut submission = Self::submission(context, None);
            submission.streams = vec![StreamEvents {
                table: LogTable::Events,
                aggregate_type: OPERATION,
                aggregate_id: about.to_owned(),
                expected_version: version.map_err(ReadError::from)?,
                events: vec![NewEvent::of(event)],
            }];
            match self.log.append(submission).await {
                Err(AppendError::Conflict { .. }) => {}
                appended => return Ok(appended?.position),
            }
        }
        Err(CommandError::Contended)
    }
}
