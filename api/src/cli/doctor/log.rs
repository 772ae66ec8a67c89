//! The log: whether the vault opens, read models follow it, and what consumes it goes on.

use licet_event_store::{Edge, EventLog, Tenant, schema, vault::Vault};
use licet_projections::{queues::consumers, status};

use super::Finding;
use crate::cli::{
    Location,
    database::{Database, open_log},
};

/// A read model that is so many events behind is told of.
const BEHIND: i64 = 10_000;

pub(super) async fn look(location: &Location, database: &Database, secret_key: Option<&str>, found: &mut Vec<Finding>) {
    let (log, tasks) = match open_log(location, database).await {
        Ok(opened) => opened,
        Err(error) => {
            let advice = "docs/RUNBOOK.md says what to look at";
            return found.push(Finding::problem("log", format!("{error:#}"), advice));
        }
    };
    match log.position().await {
        Ok(position) => found.push(Finding::ok("log", format!("it ends at position {position}"))),
        Err(error) => found.push(Finding::problem(
            "log",
            error.to_string(),
            "look at the database's own log",
        )),
    }
    if let Some(secret_key) = secret_key {
        found.push(vault(&log, secret_key).await);
    }
    found.push(read_models(&log).await);
    found.push(stopped(&log).await);
    drop(log);
    tasks.finish().await;
}

async fn vault(log: &EventLog, secret_key: &str) -> Finding {
    let vault = Vault::new(log.pool().clone(), secret_key, Edge::system());
    match vault.opens(&Tenant::default()).await {
        Ok(true) => Finding::ok("vault", "SECRET_KEY opens it"),
        Ok(false) => Finding::ok("vault", "nothing is in it yet"),
        Err(error) => Finding::problem(
            "vault",
            error.to_string(),
            "give the SECRET_KEY that this database was begun with",
        ),
    }
}

async fn read_models(log: &EventLog) -> Finding {
    const CHECK: &str = "read models";
    if let Ok(tables) = schema::unguarded(log.pool()).await
        && !tables.is_empty()
    {
        let detail = format!("lists cannot be read from {}", tables.join(", "));
        return Finding::problem(CHECK, detail, "`licet migrate` puts that right");
    }
    let all = match status(log).await {
        Ok(all) => all,
        Err(error) => return Finding::problem(CHECK, error.to_string(), "look at the database's own log"),
    };
    if let Some(one) = all.iter().find(|one| one.stopped_by.is_some()) {
        let cause = one.stopped_by.as_deref().unwrap_or_default();
        let detail = format!("{} stands still: {cause}", one.name);
        return Finding::problem(CHECK, detail, format!("`licet projections rebuild {}`", one.name));
    }
    let slowest = all.iter().min_by_key(|one| one.position);
    let behind = slowest.map_or(0, |one| one.head - one.position);
    let detail = format!("the slowest of {} is {behind} events behind", all.len());
    if behind > BEHIND {
        return Finding::warning(CHECK, detail, "see that a server with the role worker runs");
    }
    Finding::ok(CHECK, detail)
}

async fn stopped(log: &EventLog) -> Finding {
    const CHECK: &str = "consumers";
    match consumers::stops(log.pool()).await {
        Ok(stops) if stops.is_empty() => Finding::ok(CHECK, "none has stopped"),
        Ok(stops) => Finding::problem(CHECK, stops.join("; "), "docs/RUNBOOK.md, ConsumerStopped"),
        Err(error) => Finding::problem(CHECK, error.to_string(), "look at the database's own log"),
    }
}
