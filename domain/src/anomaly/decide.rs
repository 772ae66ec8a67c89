//! What may become of an anomaly.

use super::{
    command::AnomalyCommand,
    event::{AnomalyEvent, AnomalyJudged},
    state::{Anomaly, Judgment},
};
use crate::{Decider, Resource as _, ResourceRejection};

impl Decider for Anomaly {
    const TYPE: &'static str = "anomaly";
    const STATE_SCHEMA: i32 = 1;
    type State = Self;
    type Command = AnomalyCommand;
    type Event = AnomalyEvent;
    type Rejection = ResourceRejection;

    fn decide(state: &Self, command: AnomalyCommand) -> Result<Vec<AnomalyEvent>, ResourceRejection> {
        match (state, command) {
            (Self::Absent, AnomalyCommand::Find(found)) => Ok(vec![AnomalyEvent::Found(*found)]),
            (Self::Found(_), AnomalyCommand::Find(_)) => Err(ResourceRejection::AlreadyExists(Anomaly::KIND)),
            (Self::Absent, AnomalyCommand::Judge { .. }) => Err(ResourceRejection::NotFound(Anomaly::KIND)),
            (Self::Found(anomaly), AnomalyCommand::Judge { judgment, reason, at }) => {
                // Another reason for the same is news.
                let says_more = judgment != Judgment::Open && reason.is_some() && reason != anomaly.reason;
                if anomaly.judgment == judgment && !says_more {
                    return Ok(vec![]);
                }
                let judged = AnomalyJudged { reason, at };
                Ok(vec![match judgment {
                    Judgment::Open => AnomalyEvent::Reopened(judged),
                    Judgment::Acknowledged => AnomalyEvent::Acknowledged(judged),
                    Judgment::Dismissed => AnomalyEvent::Dismissed(judged),
                }])
            }
        }
    }

    fn evolve(state: Self, event: &AnomalyEvent) -> Self {
        state.apply(event)
    }

    fn weight(_: &Self) -> usize {
        3_000
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::{
        anomaly::{AnomalyFound, Severity},
        testing::given,
        values::{AnomalyId, Timestamp},
    };

    #[test]
    fn an_anomaly_is_found_once_and_judged_as_often_as_people_change_their_minds() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let find = || {
            AnomalyCommand::Find(Box::new(AnomalyFound {
                anomaly_id: AnomalyId(Uuid::nil()),
                rule: "many_networks".to_owned(),
                severity: Severity::High,
                license_id: None,
                facts: BTreeMap::new(),
                evidence: vec![1, 2],
                from: at,
                to: at,
                at,
            }))
        };
        let judge = |judgment| AnomalyCommand::Judge {
            judgment,
            reason: Some("a trade fair".to_owned()),
            at,
        };
        let found = given::<Anomaly>([]).when(find()).then_events().remove(0);
        given::<Anomaly>([found.clone()])
            .when(find())
            .then_rejected(&ResourceRejection::AlreadyExists(Anomaly::KIND));
        given::<Anomaly>([])
            .when(judge(Judgment::Dismissed))
            .then_rejected(&ResourceRejection::NotFound(Anomaly::KIND));
        given::<Anomaly>([found.clone()])
            .when(judge(Judgment::Open))
            .then_nothing();
        let dismissed = given::<Anomaly>([found.clone()])
            .when(judge(Judgment::Dismissed))
            .then_events()
            .remove(0);
        given::<Anomaly>([found.clone(), dismissed.clone()])
            .when(judge(Judgment::Dismissed))
            .then_nothing();
        given::<Anomaly>([found.clone(), dismissed.clone()])
            .when(AnomalyCommand::Judge {
                judgment: Judgment::Dismissed,
                reason: Some("known to the customer".to_owned()),
                at,
            })
            .then_events();
        given::<Anomaly>([found, dismissed])
            .when(judge(Judgment::Open))
            .then_events();
    }
}
