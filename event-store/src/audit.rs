//! Walks the log and says whether it is the one that was written.

use std::{collections::BTreeMap, pin::Pin};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use futures::{Stream, StreamExt as _};
use serde::Serialize;

use crate::{
    EventLog, LogTable, RecordedRow,
    chain::{self, GENESIS, Link},
    checkpoint::{self, Checkpoint},
    read,
};

/// What the walk found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many events were walked, over the three tables.
    pub events: u64,
    /// The last position that holds.
    pub position: i64,
    /// How many signed checkpoints agree.
    pub checkpoints: u64,
    /// The first thing that does not hold; absent when all is well.
    pub fault: Option<Fault>,
}

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub position: i64,
    /// What.
    pub what: String,
}

type Rows<'a> = Pin<Box<dyn Stream<Item = sqlx::Result<RecordedRow>> + Send + 'a>>;

/// Walks every event in the order of positions, checks density, each link and each checkpoint. `kept` are checkpoints
/// that were kept elsewhere; they also show when the newest rows are gone. `progress` hears how far it is.
pub async fn verify(
    log: &EventLog,
    keys: &[VerifyingKey],
    kept: &[String],
    mut progress: impl FnMut(i64, i64),
) -> sqlx::Result<AuditReport> {
    let mut report = AuditReport {
        events: 0,
        position: 0,
        checkpoints: 0,
        fault: None,
    };
    // Checkpoints first, then the head: what is signed meanwhile must not look cut off.
    let log_id = sqlx::query_scalar!("SELECT log_id FROM log_head")
        .fetch_one(log.pool())
        .await?;
    let (checkpoints, fault) = read_checkpoints(log, keys, kept, log_id).await?;
    if fault.is_some() {
        return Ok(AuditReport { fault, ..report });
    }
    let head = sqlx::query!("SELECT position, events_chain, heartbeats_chain, decisions_chain FROM log_head")
        .fetch_one(log.pool())
        .await?;
    let mut streams: Vec<Rows<'_>> = LogTable::ALL
        .into_iter()
        .map(|table| Box::pin(read::stream_table(log.pool(), table, (0, head.position), i64::MAX)) as Rows<'_>)
        .collect();
    let mut next = Vec::new();
    for stream in &mut streams {
        next.push(stream.next().await.transpose()?);
    }
    let mut chains: [Link; 3] = [GENESIS; 3];
    loop {
        let mut lowest: Option<(i64, usize)> = None;
        for (table, row) in next.iter().enumerate() {
            if let Some(row) = row {
                let position = row.position()?;
                lowest = Some(lowest.map_or((position, table), |known| known.min((position, table))));
            }
        }
        let Some((position, table)) = lowest else { break };
        let Some(row) = next[table].take() else { break };
        next[table] = streams[table].next().await.transpose()?;
        if let Err(what) = check_row(&row, report.position, &mut chains[table])? {
            let fault = Fault {
                position: what.0,
                what: what.1,
            };
            return Ok(AuditReport {
                fault: Some(fault),
                ..report
            });
        }
        report.events += 1;
        report.position = position;
        if let Some(checkpoint) = checkpoints.get(&position) {
            if let Some(what) = disagreement(checkpoint, &chains) {
                return Ok(AuditReport {
                    fault: Some(Fault { position, what }),
                    ..report
                });
            }
            report.checkpoints += 1;
        }
        if report.events.is_multiple_of(20_000) {
            progress(position, head.position);
        }
    }
    let head_chains = [&head.events_chain, &head.heartbeats_chain, &head.decisions_chain];
    report.fault = end_fault(report.position, head.position, &chains, head_chains, &checkpoints);
    Ok(report)
}

/// Density and the link of one row.
fn check_row(row: &RecordedRow, before: i64, chain: &mut Link) -> sqlx::Result<Result<(), (i64, String)>> {
    let event = row.to_event()?;
    if event.position != before + 1 {
        return Ok(Err((
            before + 1,
            format!("the event is missing; the next one is at {}", event.position),
        )));
    }
    *chain = chain::link_recorded(chain, &event);
    if row.chain()? != &chain[..] {
        return Ok(Err((
            event.position,
            "the event or one of its fields was changed: its link does not hold".to_owned(),
        )));
    }
    Ok(Ok(()))
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

fn disagreement(checkpoint: &Checkpoint, chains: &[Link; 3]) -> Option<String> {
    let signed = [
        &checkpoint.events_chain,
        &checkpoint.heartbeats_chain,
        &checkpoint.decisions_chain,
    ];
    let holds = chains
        .iter()
        .zip(signed)
        .all(|(chain, signed)| URL_SAFE_NO_PAD.encode(chain) == *signed);
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
    log_id: uuid::Uuid,
) -> sqlx::Result<(BTreeMap<i64, Checkpoint>, Option<Fault>)> {
    let mut checkpoints = BTreeMap::new();
    let own = log.checkpoints().await?;
    for text in own.iter().chain(kept) {
        let what = match checkpoint::verify(text, keys) {
            None => "a checkpoint's signature does not hold".to_owned(),
            Some(checkpoint) if checkpoint.log_id != log_id => {
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
        return Ok((checkpoints, Some(Fault { position: 0, what })));
    }
    Ok((checkpoints, None))
}
