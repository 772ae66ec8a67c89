//! The database: whether it answers, keeps what it is given, and is of this program.

use licet_event_store::{
    Edge,
    embedded::Cluster,
    inspect::{DatabaseFacts, inspect},
    schema,
};

use super::Finding;
use crate::cli::{
    Location,
    database::{self, Database},
    serve,
};

const CHECK: &str = "database";
/// The oldest release that the tests run on.
const OLDEST: i32 = 150_000;
/// Connections of a node beside its pools: the appender's, the listener's, projectors', leases'.
const BESIDE: u32 = 10;

/// Answers the database where the log in it can be opened.
pub(super) async fn look(location: &Location, options: &serve::Options, found: &mut Vec<Finding>) -> Option<Database> {
    if location.embedded && !Cluster::is_made(&location.data_dir) {
        let detail = format!("none yet in {}", location.data_dir.display());
        found.push(Finding::ok(
            CHECK,
            format!("{detail}: `licet serve --embedded` makes it"),
        ));
        return None;
    }
    let database = match database::open_existing(location, &Edge::system()) {
        Ok(database) => database,
        Err(error) => {
            let advice = "set DATABASE_URL, or use --embedded for a private one";
            found.push(Finding::problem(CHECK, format!("{error:#}"), advice));
            return None;
        }
    };
    let facts = match inspect(&database.url).await {
        Ok(facts) => facts,
        Err(error) => {
            let advice = "look at the database's own log, and at the user and password in DATABASE_URL";
            found.push(Finding::problem(CHECK, error.to_string(), advice));
            return None;
        }
    };
    let (connections, newest) = (options.connections() + BESIDE, schema::known());
    found.extend(judge(&facts, connections));
    found.push(clock(facts.clock, Edge::system().now().millis() as f64 / 1000.0));
    let schema = schema_of(&facts, &newest);
    let is_current = schema.status != super::Status::Problem && facts.migrations.as_deref() == Some(&newest[..]);
    found.push(schema);
    (is_current && !facts.standby).then_some(database)
}

fn judge(facts: &DatabaseFacts, needed: u32) -> Vec<Finding> {
    let mut found = Vec::new();
    let megabytes = facts.bytes / 1_000_000;
    let version = format!("PostgreSQL {}, {megabytes} MB", facts.version);
    found.push(if facts.version_number < OLDEST {
        Finding::problem(CHECK, version, "use PostgreSQL 15 or newer")
    } else {
        Finding::ok(CHECK, version)
    });
    if facts.encoding != "UTF8" {
        let detail = format!("texts are encoded in {}", facts.encoding);
        found.push(Finding::problem(
            CHECK,
            detail,
            "make the database with ENCODING 'UTF8'",
        ));
    }
    // What the system's library sorts by changes with the system, and indexes do not hear of it.
    let steady = ["C", "POSIX", "C.UTF-8", "C.utf8", "i", "b"];
    if !steady.contains(&&facts.collation[..]) {
        let detail = format!("texts are sorted as {} by the system's library", facts.collation);
        let advice = "make the database with LOCALE 'C', or run REINDEX DATABASE after every upgrade of the system";
        found.push(Finding::warning(CHECK, detail, advice));
    }
    if !facts.careless.is_empty() {
        let detail = format!(
            "{} is off: what was acknowledged may be lost",
            facts.careless.join(", ")
        );
        found.push(Finding::problem(CHECK, detail, "switch it on in postgresql.conf"));
    }
    if facts.standby || facts.read_only {
        let detail = if facts.standby {
            "it is a standby"
        } else {
            "it is read-only"
        };
        let advice = "let DATABASE_URL lead to the primary (with HAProxy, to the port that asks Patroni for /primary)";
        found.push(Finding::problem(CHECK, detail, advice));
    }
    let (may, are) = (facts.connections, facts.connected);
    let free = i64::from(may) - are;
    let sessions = format!("{are} of {may} sessions are open; a node opens up to {needed}");
    found.push(if free < i64::from(needed) {
        let advice = "raise max_connections, or lower DATABASE_CONNECTIONS; a node that runs has its sessions already";
        Finding::warning(CHECK, sessions, advice)
    } else {
        Finding::ok(CHECK, sessions)
    });
    found
}

/// The log's time is the database's; what is signed and when operators' codes are good is by this machine's.
fn clock(database: f64, here: f64) -> Finding {
    let apart = database - here;
    let detail = format!("the database's clock and this machine's are {:.1} s apart", apart.abs());
    let advice = "let both follow NTP (chrony, systemd-timesyncd)";
    match apart.abs() {
        seconds if seconds > 30.0 => Finding::problem("clocks", detail, advice),
        seconds if seconds > 2.0 => Finding::warning("clocks", detail, advice),
        _ => Finding::ok("clocks", detail),
    }
}

fn schema_of(facts: &DatabaseFacts, known: &[i64]) -> Finding {
    const SCHEMA: &str = "schema";
    let Some(applied) = &facts.migrations else {
        return match facts.tables {
            0 => Finding::ok(SCHEMA, "the database is empty: the first start makes what it needs"),
            tables => Finding::problem(
                SCHEMA,
                format!("the database has {tables} tables, and none of ours"),
                "give Licet a database of its own: `createdb licet`",
            ),
        };
    };
    let missing = known.iter().filter(|one| !applied.contains(one)).count();
    let newer = applied.iter().filter(|one| !known.contains(one)).count();
    match (missing, newer) {
        (0, 0) => Finding::ok(
            SCHEMA,
            format!("{} migrations, as this program has them", applied.len()),
        ),
        (missing, 0) => Finding::warning(
            SCHEMA,
            format!("{missing} migrations are missing"),
            "`licet migrate` runs them, and so does the next start",
        ),
        (_, newer) => Finding::problem(
            SCHEMA,
            format!("the database has {newer} migrations that this program does not know"),
            "use the release that made them, or a newer one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Status;

    fn facts() -> DatabaseFacts {
        DatabaseFacts {
            version: "17.6".to_owned(),
            version_number: 170_006,
            encoding: "UTF8".to_owned(),
            collation: "C".to_owned(),
            connections: 97,
            connected: 5,
            careless: vec![],
            read_only: false,
            standby: false,
            clock: 0.0,
            bytes: 12_000_000,
            migrations: Some(vec![1, 2]),
            tables: 30,
        }
    }

    fn worst(facts: &DatabaseFacts) -> Status {
        judge(facts, 30).into_iter().map(|one| one.status).max().unwrap()
    }

    #[test]
    fn what_loses_data_is_a_problem_and_what_may_hurt_later_a_warning() {
        assert_eq!(worst(&facts()), Status::Ok);
        let old = DatabaseFacts {
            version_number: 140_011,
            ..facts()
        };
        let latin = DatabaseFacts {
            encoding: "LATIN1".to_owned(),
            ..facts()
        };
        let careless = DatabaseFacts {
            careless: vec!["fsync".to_owned()],
            ..facts()
        };
        let standby = DatabaseFacts {
            standby: true,
            ..facts()
        };
        let read_only = DatabaseFacts {
            read_only: true,
            ..facts()
        };
        for bad in [old, latin, careless, standby, read_only] {
            assert_eq!(worst(&bad), Status::Problem, "{bad:?}");
        }
        let local = DatabaseFacts {
            collation: "de_DE.UTF-8".to_owned(),
            ..facts()
        };
        let crowded = DatabaseFacts {
            connected: 80,
            ..facts()
        };
        for doubtful in [local, crowded] {
            assert_eq!(worst(&doubtful), Status::Warning, "{doubtful:?}");
        }
        let icu = DatabaseFacts {
            collation: "i".to_owned(),
            ..facts()
        };
        assert_eq!(worst(&icu), Status::Ok);
    }

    #[test]
    fn a_database_is_ours_older_newer_empty_or_anothers() {
        let of = |migrations: Option<Vec<i64>>, tables| {
            schema_of(
                &DatabaseFacts {
                    migrations,
                    tables,
                    ..facts()
                },
                &[1, 2],
            )
            .status
        };
        assert_eq!(of(Some(vec![1, 2]), 30), Status::Ok);
        assert_eq!(of(Some(vec![1]), 30), Status::Warning);
        assert_eq!(of(Some(vec![1, 2, 3]), 30), Status::Problem);
        assert_eq!(of(None, 0), Status::Ok);
        assert_eq!(of(None, 4), Status::Problem);
    }

    #[test]
    fn clocks_are_told_apart() {
        assert_eq!(clock(1_000.0, 1_001.5).status, Status::Ok);
        assert_eq!(clock(1_000.0, 1_003.0).status, Status::Warning);
        assert_eq!(clock(1_100.0, 1_000.0).status, Status::Problem);
    }
}
