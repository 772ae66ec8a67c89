//! Walks the log and says whether it is the one that was written.

mod walk;

use std::{
    collections::{BTreeMap, btree_map},
    iter::Peekable,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use serde::Serialize;
use sqlx::Connection as _;

use crate::{
    EventLog, ReadError, archive,
    chain::Link,
    checkpoint::{self, Checkpoint},
    epochs::Epochs,
};
use walk::{Step, Walk};

/// What the walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many events were walked, over the three tables.
    pub events: u64,
    /// The last position that holds.
    pub position: i64,
    /// How many signed checkpoints agree.
    pub checkpoints: u64,
    /// How many months were walked in the archive.
    pub segments: u64,
    /// Months that are in the archive and not at hand: what their signed manifests say was believed.
    pub not_at_hand: Vec<String>,
    /// The first thing that does not hold; absent when all is well.
    pub fault: Option<Fault>,
}

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The event's position in the log.
    pub position: i64,
    /// What does not hold, for people.
    pub what: String,
}

impl Fault {
    fn at(position: i64, what: String) -> Self {
        Self { position, what }
    }
}

/// Walks every event in the order of positions, in the archive and online, checks density, each link, each manifest and
/// each checkpoint. `kept` are checkpoints that were kept elsewhere; they also show when the newest rows are gone.
/// `progress` hears how far it is.
pub async fn verify(
    log: &EventLog,
    keys: &[VerifyingKey],
    kept: &[String],
    mut progress: impl FnMut(i64, i64),
) -> Result<AuditReport, ReadError> {
    let mut report = AuditReport::default();
    let mut holding = log.connect().await?;
    archive::hold_months(&mut holding).await?;
    // Checkpoints first, then the head: what is signed meanwhile must not look cut off.
    let epochs = Epochs::read(log.pool()).await?;
    let (checkpoints, fault) = read_checkpoints(log, keys, kept, &epochs).await?;
    if fault.is_some() {
        return Ok(AuditReport { fault, ..report });
    }
    let head = sqlx::query!("SELECT position, events_chain, heartbeats_chain, decisions_chain FROM log_head")
        .fetch_one(log.pool())
        .await?;
    let mut walk = Walk::begin(log, (&epochs, keys), head.position).await?;
    let mut signed = checkpoints.iter().peekable();
    loop {
        // Every statement about what has been walked so far, whether an event of its position was at hand or not.
        let before = walk.upcoming()?.map_or(0, |upcoming| upcoming - 1);
        if let Some(fault) = compare(&mut signed, &walk, before, &mut report.checkpoints) {
            return Ok(AuditReport {
                fault: Some(fault),
                ..report
            });
        }
        let position = match walk.next().await? {
            Step::Event(position) => position,
            Step::Segment(None) => {
                report.segments += 1;
                continue;
            }
            Step::Segment(Some(absent)) => {
                report.not_at_hand.push(absent);
                continue;
            }
            Step::End => break,
            Step::Fault(fault) => {
                return Ok(AuditReport {
                    fault: Some(fault),
                    ..report
                });
            }
        };
        report.events += 1;
        report.position = position;
        if report.events.is_multiple_of(20_000) {
            progress(position, head.position);
        }
    }
    report.position = walk.reached();
    if let Some(fault) = compare(&mut signed, &walk, report.position, &mut report.checkpoints) {
        return Ok(AuditReport {
            fault: Some(fault),
            ..report
        });
    }
    let head_chains = [&head.events_chain, &head.heartbeats_chain, &head.decisions_chain];
    report.fault = end_fault(
        report.position,
        head.position,
        &walk.chains(),
        head_chains,
        &checkpoints,
    );
    holding.close().await?;
    Ok(report)
}

type Signed<'a> = Peekable<btree_map::Iter<'a, i64, Checkpoint>>;

/// Compares the checkpoints up to a position with the chains as they are there.
fn compare(signed: &mut Signed<'_>, walk: &Walk<'_>, until: i64, agreed: &mut u64) -> Option<Fault> {
    while let Some((position, checkpoint)) = signed.next_if(|(position, _)| **position <= until) {
        if let Some(what) = disagreement(checkpoint, &walk.known_chains(*position)) {
            return Some(Fault::at(*position, what));
        }
        *agreed += 1;
    }
    None
}

fn end_fault(
    walked: i64,
    head: i64,
    chains: &[Link; 3],
    head_chains: [&Vec<u8>; 3],
    checkpoints: &BTreeMap<i64, Checkpoint>,
) -> Option<Fault> {
    let beyond = checkpoints
        .keys()
        .next_back()
        .copied()
        .filter(|position| *position > walked);
    if walked < head || beyond.is_some() {
        let promised = beyond.unwrap_or(head).max(head);
        let what = format!("the newest events are missing: the log ends at {walked}, and {promised} was reached");
        return Some(Fault {
            position: walked + 1,
            what,
        });
    }
    let agrees = chains
        .iter()
        .zip(head_chains)
        .all(|(walked, head)| walked[..] == head[..]);
    (!agrees).then(|| Fault {
        position: walked,
        what: "the head does not carry the chain of the newest event".to_owned(),
    })
}

/// Compares with the chains that are known there: those inside a month that is not at hand are not.
fn disagreement(checkpoint: &Checkpoint, chains: &[Option<Link>; 3]) -> Option<String> {
    let signed = [
        &checkpoint.events_chain,
        &checkpoint.heartbeats_chain,
        &checkpoint.decisions_chain,
    ];
    let holds = chains
        .iter()
        .zip(signed)
        .all(|(chain, signed)| chain.is_none_or(|chain| URL_SAFE_NO_PAD.encode(chain) == *signed));
    (!holds).then(|| {
        format!(
            "history up to here is not the one that was signed at {}",
            checkpoint.signed_at
        )
    })
}

async fn read_checkpoints(
    log: &EventLog,
    keys: &[VerifyingKey],
    kept: &[String],
    epochs: &Epochs,
) -> sqlx::Result<(BTreeMap<i64, Checkpoint>, Option<Fault>)> {
    let mut checkpoints = BTreeMap::new();
    let own = log.checkpoints().await?;
    for text in own.iter().chain(kept) {
        let what = match checkpoint::verify(text, keys) {
            None => "a checkpoint's signature does not hold".to_owned(),
            Some(checkpoint) if !epochs.names_at(checkpoint.position).any(|id| id == checkpoint.log_id) => {
                format!(
                    "the checkpoint at {} belongs to another log: {}",
                    checkpoint.position, checkpoint.log_id
                )
            }
            Some(checkpoint) => {
                checkpoints.insert(checkpoint.position, checkpoint);
                continue;
            }
        };
        return Ok((checkpoints, Some(Fault::at(0, what))));
    }
    Ok((checkpoints, None))
}
