//! Records what a rule has found: once, however often the rules are run.

use licet_domain::{
    anomaly::{AnomalyCommand, AnomalyFound, Finding},
    values::{AnomalyId, LicenseId, Timestamp},
};

use crate::{CommandError, Context, Platform};

impl Platform {
    /// Records a finding of the stretch of history that ended at `day`; `false` when it was found before.
    pub async fn record_anomaly(
        &self,
        context: &Context,
        license: Option<LicenseId>,
        day: Timestamp,
        finding: &Finding,
    ) -> Result<bool, CommandError> {
        let id = self.edge.id();
        let (from, to) = finding.span.unwrap_or((day, day));
        // One for each thing that is wrong, by the day on which it began: what is looked at again is not found again,
        // and what got worse is.
        let subject = license.map(|license| license.to_string()).unwrap_or_default();
        let fact = |name: &str| finding.facts.get(name).map(ToString::to_string).unwrap_or_default();
        let name = format!(
            "{}/{subject}/{}/{}/{:?}/{}",
            finding.rule,
            fact("figure"),
            fact("activation_id"),
            finding.severity,
            from.seconds().div_euclid(86_400)
        );
        let claim = self.claim(&context.tenant, "anomaly", &name, id).await?;
        let mut context = context.clone();
        context.command_id = id;
        let mut envelope = context.envelope();
        envelope.claims = vec![claim];
        let found = AnomalyFound {
            anomaly_id: AnomalyId(id),
            rule: finding.rule.to_owned(),
            severity: finding.severity,
            license_id: license,
            facts: finding.facts.clone(),
            evidence: finding.evidence.clone(),
            from,
            to,
            at: context.now,
        };
        let order = |_: &_| Ok::<_, CommandError>(AnomalyCommand::Find(Box::new(found.clone())));
        let done = self
            .run(
                &self.resources.anomalies,
                (id, &context, envelope),
                order,
                |_| Ok(()),
                &|()| String::new(),
            )
            .await;
        match done {
            Ok(_) => Ok(true),
            Err(CommandError::Taken("anomaly")) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
