//! Keeps the index of search: what things are called is opened, hashed and written down as they change. Beside it, customers
//! by name.

use licet_commands::{CommandError, Look, Named, Platform};
use licet_domain::{Decider as _, customer::Customer, search::sort_key};
use licet_event_store::{ReadError, StoreError, Tenant, vault::VaultError};
use licet_projections::{
    customer_directory::Entry,
    queues::consumers,
    search::{self, Thing, Told},
};
use uuid::Uuid;

use crate::{WorkerError, metrics::METRICS, position_of};

/// The consumer that tells how far the index knows the log. Its number goes up when more is kept: it begins anew then, and an
/// older program beside it goes on with its own.
pub const CONSUMER: &str = "search/2";
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
    if search::forgets(pool, (from, to)).await.map_err(failed)? {
        // What licenses note about them goes too; which those are, their read model tells.
        if position_of(platform, &["license_state"]).await? < to {
            return Ok(false);
        }
        let licenses = search::licenses_of_forgotten(pool, (from, to)).await;
        things.extend(licenses.map_err(failed)?);
    }
    let told = told(platform, &things).await?;
    keep(platform, &told, Some((CONSUMER, (from, to)))).await?;
    Ok(to < head)
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
        let (name, retired) = match named(platform, thing).await {
            Ok(Some((named, terms))) => {
                told.found_by.push((thing.clone(), terms));
                (sort_key(&named.title), named.retired)
            }
            // Who was forgotten is out of use.
            Ok(None) => {
                told.gone.push(thing.clone());
                (String::new(), true)
            }
            // What is damaged is not found; it must not keep everything else from being so.
            Err(
                error @ (CommandError::Vault(VaultError::WrongSecret(_) | VaultError::Forgotten)
                | CommandError::Read(ReadError::Decode { .. })),
            ) => {
                tracing::error!(%error, kind = thing.kind, id = %thing.id, "this cannot be found by its name");
                METRICS.indexed("damaged", 1);
                told.gone.push(thing.clone());
                (String::new(), false)
            }
            Err(error) => return Err(WorkerError::of("naming what can be found")(error.into())),
        };
        if thing.kind == Customer::TYPE {
            told.listed.push(Entry {
                tenant_id: thing.tenant_id.clone(),
                customer_id: thing.id,
                name,
                retired,
            });
        }
    }
    Ok(told)
}

/// How a thing is called, and the hashes of what finds it.
async fn named(platform: &Platform, thing: &Thing) -> Result<Option<(Named, Vec<i64>)>, CommandError> {
    let tenant = Tenant::new(&thing.tenant_id);
    let Some(named) = platform.named(&tenant, &thing.kind, thing.id, Look::Newest).await? else {
        return Ok(None);
    };
    let terms = platform.terms(&tenant, &named.text).await?;
    Ok(Some((named, terms)))
}
