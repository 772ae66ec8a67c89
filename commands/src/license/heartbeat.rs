//! What a machine with a seat reports. Durable when answered; a floating seat is held by it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use licet_domain::{
    heartbeat::{Beat, HeartbeatEvent, HeartbeatRecorded, billing_period},
    license::{Activation, License, LicenseCommand, LicenseRejection, Standing},
    validate::{Machine, Request, Verdict},
    values::{ActivationId, AppVersion, LicenseId, Timestamp, Version},
};
use licet_event_store::{AppendError, LogTable, NewEvent, StreamEvents};
use moka::sync::Cache;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    EffectiveLicense,
    seating::hold,
    token_holder::{TokenHolder, seat},
};
use crate::{CommandError, Context, Done, FieldError, Platform, refusals::Refusal};

/// A beat as it is sent.
#[derive(Debug, Clone)]
pub struct BeatRequest {
    /// The license of the token.
    pub license: LicenseId,
    /// The activation of the token.
    pub activation: ActivationId,
    /// What is reported.
    pub beat: Beat,
    /// The program's version.
    pub app_version: Option<String>,
    /// What the machine's own clock showed.
    pub client_time: Option<Timestamp>,
    /// By which a beat that is sent twice is known.
    pub nonce: Option<String>,
    /// What was used in this billing period, by meter, as far as it is known.
    pub used: BTreeMap<String, u64>,
    /// Whether the beat is in there already: it was sent before, and its answer was lost.
    pub counted: bool,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct HeartbeatOutcome {
    /// What holds.
    pub verdict: Verdict,
    /// The license.
    pub effective: EffectiveLicense,
    /// The machine's activation.
    pub activation: Arc<Activation>,
    /// What is used in this billing period, this beat included, by meter.
    pub totals: Vec<(String, u64)>,
    /// Whether this beat moved the seat's hold on; one that is answered again does not.
    pub holds: bool,
}

/// Beats of the last minutes on this node: one that is sent again is answered again and not recorded twice.
pub(crate) struct RecentBeats(Cache<(ActivationId, String), i64>);

impl Default for RecentBeats {
    fn default() -> Self {
        let kept = Duration::from_secs(900);
        Self(Cache::builder().max_capacity(200_000).time_to_live(kept).build())
    }
}

/// How often a beat looks again after it met a change.
const ATTEMPTS: usize = 8;

impl Platform {
    /// Records a beat. A machine that was silent takes its seat again while one is free.
    pub async fn heartbeat(
        &self,
        context: &Context,
        request: &BeatRequest,
    ) -> Result<Done<HeartbeatOutcome>, CommandError> {
        request
            .beat
            .check()
            .map_err(|(field, error)| CommandError::Invalid(vec![FieldError::of(&field, error)]))?;
        let nonce = request.nonce.as_deref().map(nonce_digest);
        let recent = nonce.clone().map(|nonce| (request.activation, nonce));
        let mut seats_without_hold = None;
        for _ in 0..ATTEMPTS {
            let (license, activation) = self.seated(context, request).await?;
            let effective = self.effective(&context.tenant, &license).await?;
            let version = effective.read_version(request.app_version.as_deref())?;
            if let Some(meter) = request.beat.unknown_meter(&effective.limits()) {
                let facts = BTreeMap::from([("meter".to_owned(), json!(meter))]);
                Box::pin(self.note_beat_refusal(context, &effective, &activation, "METER_UNKNOWN", facts)).await;
                return Err(CommandError::MeterUnknown(meter.to_owned()));
            }
            if !activation.is_seated()
                && supports(&effective, version.as_ref())
                && Box::pin(self.revive(context, &effective, request.activation)).await?
            {
                continue;
            }
            let known = recent.as_ref().and_then(|beat| self.recent_beats.0.get(beat));
            let beaten = judge(
                context,
                request,
                effective,
                activation,
                version.as_ref(),
                known.is_some(),
            );
            if let Some(position) = known {
                return Ok(Done {
                    value: beaten,
                    position,
                    changed: false,
                });
            }
            match self
                .record_beat(context, request, &beaten, nonce.as_deref(), seats_without_hold)
                .await
            {
                Ok(position) => {
                    if let Some(beat) = recent {
                        self.recent_beats.0.insert(beat, position);
                    }
                    if !beaten.totals.is_empty() || !beaten.verdict.is_valid() {
                        // What is rare is kept out of the future that every beat carries.
                        Box::pin(self.note_consequences(context, request, &beaten)).await;
                    }
                    return Ok(Done {
                        value: beaten,
                        position,
                        changed: true,
                    });
                }
                // The seat fell free on another node; or its policy floats only since a moment ago, and it has no hold.
                Err(AppendError::HoldChanged(_) | AppendError::Conflict { .. }) => {
                    let fresh = self.licenses.fresh(&context.tenant, request.license.0).await?;
                    seats_without_hold = seat(&fresh, request.activation)?.is_seated().then_some(fresh.version);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Contended)
    }

    /// What a beat that was recorded brings with it: limits that were crossed, and a refusal.
    async fn note_consequences(&self, context: &Context, request: &BeatRequest, beaten: &HeartbeatOutcome) {
        self.note_crossed_limits(context, beaten).await;
        if !beaten.verdict.is_valid() {
            let (effective, activation) = (&beaten.effective, &beaten.activation);
            let mut facts = effective.facts(&beaten.totals, context.now);
            if let Some(version) = request.app_version.as_deref().map(AppVersion::new) {
                facts.insert("app_version".to_owned(), json!(version));
            }
            let code = beaten.verdict.code();
            self.note_beat_refusal(context, effective, activation, code, facts)
                .await;
        }
    }

    /// The license and the seat of the token; that the seat has ended is told to whoever asks why.
    async fn seated(&self, context: &Context, request: &BeatRequest) -> Result<TokenHolder, CommandError> {
        let found = self
            .token_holder(&context.tenant, request.license, request.activation)
            .await;
        if let Err(CommandError::License(LicenseRejection::ActivationNotActive(_))) = &found {
            let license = self.licenses.get(&context.tenant, request.license.0).await?;
            let known = license
                .state
                .facts()
                .and_then(|known| known.activation(request.activation));
            if let Some(ended) = known.cloned() {
                let effective = self.effective(&context.tenant, &license).await?;
                Box::pin(self.note_beat_refusal(context, &effective, &ended, "TOKEN_REVOKED", BTreeMap::new())).await;
            }
        }
        found
    }

    /// One append, in which a floating seat's hold moves on.
    async fn record_beat(
        &self,
        context: &Context,
        request: &BeatRequest,
        beaten: &HeartbeatOutcome,
        nonce: Option<&str>,
        seats_without_hold: Option<u64>,
    ) -> Result<i64, AppendError> {
        let effective = &beaten.effective;
        let event = HeartbeatEvent::Recorded(HeartbeatRecorded {
            activation_id: request.activation,
            license_id: request.license,
            policy_version: effective.policy.version,
            code: beaten.verdict,
            active_users: request.beat.active_users,
            features: request.beat.features.clone(),
            usage: request.beat.usage.clone(),
            app_version: request.app_version.as_deref().map(AppVersion::new),
            client_time: request.client_time,
            nonce: nonce.map(str::to_owned),
            at: context.now,
        });
        let mut submission = Self::submission(context, None);
        submission.streams = vec![StreamEvents {
            table: LogTable::Heartbeats,
            aggregate_type: "heartbeat",
            aggregate_id: request.activation.to_string(),
            expected_version: 0,
            events: vec![NewEvent::of(&event)],
        }];
        if beaten.activation.is_seated() && effective.license().standing == Standing::Active {
            hold(&mut submission, effective, request.activation, seats_without_hold);
        }
        self.log.append(submission).await.map(|appended| appended.position)
    }

    /// Gives a silent machine its seat again; `false` when none is free, or the license gives none.
    async fn revive(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        activation_id: ActivationId,
    ) -> Result<bool, CommandError> {
        if !effective.is_usable(context.now) {
            return Ok(false);
        }
        for attempt in 0..2 {
            let mut context = context.clone();
            context.command_id = self.edge.id();
            let order = |_: &License| {
                Ok::<_, CommandError>(LicenseCommand::ReviveSeat {
                    activation_id,
                    terms: Arc::clone(effective.terms()),
                    policy_version: effective.policy.version,
                    at: context.now,
                })
            };
            let about = (effective.id().0, &context, context.envelope());
            let done = self
                .run(&self.licenses, about, order, |_| Ok(()), &|()| String::new())
                .await;
            match done {
                Ok(_) => return Ok(true),
                Err(CommandError::License(LicenseRejection::ActivationLimitReached { .. })) => {
                    if attempt == 1 || self.reclaim_seats_of(effective.id()).await? == 0 {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Once a billing period and meter, that more was used than is included becomes an event of the license.
    async fn note_crossed_limits(&self, context: &Context, beaten: &HeartbeatOutcome) {
        let period = billing_period(context.now);
        let limits = beaten.effective.limits();
        for (meter, used) in &beaten.totals {
            let Some(limit) = limits.get(meter).filter(|limit| *used > limit.amount) else {
                continue;
            };
            if beaten.effective.license().has_noted(meter, period) {
                continue;
            }
            let mut context = context.clone();
            context.command_id = self.edge.id();
            let order = |_: &License| {
                Ok::<_, CommandError>(LicenseCommand::NoteUsage {
                    meter: meter.clone(),
                    period,
                    limit: limit.amount,
                    used: *used,
                    at: context.now,
                })
            };
            let about = (beaten.effective.id().0, &context, context.envelope());
            let noted = self
                .run(&self.licenses, about, order, |_| Ok(()), &|()| String::new())
                .await;
            if let Err(error) = noted {
                tracing::warn!(%error, "a crossed limit could not be noted; the next beat tries again");
            }
        }
    }

    async fn note_beat_refusal(
        &self,
        context: &Context,
        effective: &EffectiveLicense,
        activation: &Activation,
        code: &'static str,
        facts: BTreeMap<String, Value>,
    ) {
        let refusal = Refusal {
            license_id: effective.id(),
            machine: Some(&activation.activated.components),
            activation_id: Some(activation.id()),
            asked: "heartbeat",
            code,
            policy_version: effective.policy.version,
            facts,
        };
        self.note_refusal(context, refusal).await;
    }
}

/// Whether the program's version may run: what must not run takes no seat from others.
fn supports(effective: &EffectiveLicense, version: Option<&Version>) -> bool {
    match (&effective.product.min_version, version) {
        (Some(minimum), Some(version)) => version.is_at_least(minimum),
        _ => true,
    }
}

/// `again` says that the beat was answered before: its usage is in what is known to be used, and its hold has moved.
fn judge(
    context: &Context,
    request: &BeatRequest,
    effective: EffectiveLicense,
    activation: Arc<Activation>,
    app_version: Option<&Version>,
    again: bool,
) -> HeartbeatOutcome {
    let machine = if activation.is_seated() {
        Machine::Seated
    } else {
        Machine::SilentTooLong
    };
    let totals = if again || request.counted {
        request.used.clone().into_iter().collect()
    } else {
        request.beat.totals(&request.used)
    };
    let asked = Request {
        app_version,
        features: &[],
        usage: &totals,
    };
    HeartbeatOutcome {
        verdict: effective.validate(machine, &asked, context.now),
        effective,
        activation,
        totals,
        holds: !again,
    }
}

/// By what a nonce is known once it was used: half of its hash, in hexadecimal.
pub fn nonce_digest(nonce: &str) -> String {
    let digest = Sha256::digest(nonce.as_bytes());
    hex::encode(&digest[..8])
}
