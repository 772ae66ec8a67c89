//! Says what a person makes of an anomaly.

use licet_domain::{
    anomaly::{Anomaly, AnomalyCommand, Judgment},
    values::Text,
};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform};

impl Platform {
    /// Acknowledges, dismisses or reopens an anomaly; who did it stands in the event's metadata.
    pub async fn judge_anomaly(
        &self,
        context: &Context,
        id: Uuid,
        judgment: Judgment,
        reason: Option<String>,
        body: Body<'_, Anomaly>,
    ) -> Result<Done<Anomaly>, CommandError> {
        let mut fields = Fields::new();
        let reason = fields
            .take_optional("reason", reason.as_deref(), Text::<500>::parse)
            .map(Text::into_string);
        let reason = fields.finish(Some(reason))?;
        let order = |_: &Anomaly| {
            Ok(AnomalyCommand::Judge {
                judgment,
                reason: reason.clone(),
                at: context.now,
            })
        };
        let about = (id, context, context.envelope());
        self.change(about, &|_| true, order, body).await
    }
}
