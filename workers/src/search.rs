//! Keeps the index of search: what things are called is opened, hashed and written down as they change.

use licet_commands::{CommandError, Look, Platform};
use licet_event_store::{ReadError, StoreError, Tenant, vault::VaultError};
use licet_projections::{
    queues::consumers,
    search::{self, Thing, Told},
    status,
};
use uuid::Uuid;

use crate::{WorkerError, metrics::METRICS};

/// The consumer that tells how far the index knows the log.
pub const CONSUMER: &str = "search";
/// Positions read at once.
const READ_SIZE: i64 = 2_000;
/// Things written at once while the index is filled.
const WRITE_SIZE: usize = 200;

/// One turn over what is new; `true` where more is waiting.
pub(crate) async fn turn(platform: &Platform) -> Result<bool, WorkerError> {
    let failed = |error: StoreError| WorkerError::of("keeping the index of search")(error.into());
    let pool = platform.log.pool();
    if consumers::find(pool, CONSUMER).await.map_err(failed)?.is_none() {
        let begun = fill(platform).await?;
        consumers::position(pool, CONSUMER, begun).await.map_err(failed)?;
        return Ok(true);
    }
    let from = consumers::position(pool, CONSUMER, 0).await.map_err(failed)?;
    let head = platform.log.position().await.map_err(failed)?;
    let to = head.min(from + READ_SIZE);
    if to <= from {
        return Ok(false);
    }
    let mut things = search::touched(pool, (from, to)).await.map_err(failed)?;
    let forgotten = search::forgotten(pool, (from, to)).await.map_err(failed)?;
    if !forgotten.is_empty() {
        // What licenses note about them goes too; which those are, their read model tells.
        if position_of(platform, &["license_state"]).await? < to {
            return Ok(false);
        }
        things.extend(search::licenses_of(pool, &forgotten).await.map_err(failed)?);
    }
    let told = told(platform, &things).await?;
    keep(platform, &told, Some((CONSUMER, (from, to)))).await?;
    Ok(to < head)
}

/// How far all of these read models know the log.
async fn position_of(platform: &Platform, models: &[&str]) -> Result<i64, WorkerError> {
    let all = status(&platform.log).await;
    let all = all.map_err(|error| WorkerError::of("asking how far the read models are")(error.into()))?;
    let asked = all.iter().filter(|one| models.contains(&one.name));
    Ok(asked.map(|one| one.position).min().unwrap_or(0))
}

/// Writes down everything that there is; answers from where on what is new has to be looked at.
async fn fill(platform: &Platform) -> Result<i64, WorkerError> {
    let failed = |error: StoreError| WorkerError::of("filling the index of search")(error.into());
    let begun = position_of(platform, &["resources", "license_state"]).await?;
    let mut last = (String::new(), Uuid::nil());
    let mut count = 0;
    loop {
        let things = search::all(platform.log.pool(), (&last.0, last.1), READ_SIZE).await;
        let things = things.map_err(failed)?;
        let Some(newest) = things.last() else {
            break;
        };
        last = (newest.kind.clone(), newest.id);
        for some in things.chunks(WRITE_SIZE) {
            keep(platform, &told(platform, some).await?, None).await?;
        }
        count += things.len();
        tracing::info!(count, "filling the index of search");
    }
    Ok(begun)
}

async fn keep(platform: &Platform, told: &Told, consumer: Option<(&str, (i64, i64))>) -> Result<(), WorkerError> {
    let kept = search::keep(platform.log.pool(), told, consumer).await;
    if kept.map_err(|error| WorkerError::of("keeping the index of search")(error.into()))? {
        METRICS.indexed("kept", told.found_by.len());
        METRICS.indexed("gone", told.gone.len());
    }
    Ok(())
}

async fn told(platform: &Platform, things: &[Thing]) -> Result<Told, WorkerError> {
    let mut told = Told::default();
    for thing in things {
        match terms(platform, thing).await {
            Ok(Some(terms)) => told.found_by.push((thing.clone(), terms)),
            Ok(None) => told.gone.push(thing.clone()),
            // What is damaged is not found; it must not keep everything else from being so.
            Err(
                error @ (CommandError::Vault(VaultError::WrongSecret(_) | VaultError::Forgotten)
                | CommandError::Read(ReadError::Decode { .. })),
            ) => {
                tracing::error!(%error, kind = thing.kind, id = %thing.id, "this cannot be found by its name");
                METRICS.indexed("damaged", 1);
                told.gone.push(thing.clone());
            }
            Err(error) => return Err(WorkerError::of("naming what can be found")(error.into())),
        }
    }
    Ok(told)
}

async fn terms(platform: &Platform, thing: &Thing) -> Result<Option<Vec<i64>>, CommandError> {
    let tenant = Tenant::new(&thing.tenant_id);
    match platform.named(&tenant, &thing.kind, thing.id, Look::Newest).await? {
        Some(named) => platform.terms(&tenant, &named.text).await.map(Some),
        None => Ok(None),
    }
}
