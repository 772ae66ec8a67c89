//! What operators look at all day, in a large house: lists by every filter, the dashboard's figures, and search as one
//! types, against reading one license. Customers, systems and versions are skewed as they are in life.

use std::{sync::Arc, time::Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use licet_commands::{Look, Platform, customer::NewCustomer};
use licet_domain::{
    Resource as _,
    customer::Customer,
    search::{score, sort_key},
};
use licet_event_store::Tenant;
use licet_projections::{
    ListedBy, PageRequest, Reader,
    activations::{self, ActivationFilter},
    customer_directory::Entry,
    license_state::{self, LicenseFilter},
    resources,
    search::{self, Thing, Told},
};
use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    lists::percentile,
    setup::{Bench, context, licenses, platform},
};

const TURNS: usize = 200;
/// Customers whose names are searched, for each license.
const CUSTOMERS_SHARE: u32 = 10;

/// Rows that differ from one as rows of a house do: a few customers have most licenses, most machines run one of a few
/// versions on one of three systems.
const MULTIPLY: &str = "
    CREATE TABLE house AS SELECT i, gen_random_uuid() AS license_id, random() AS dice,
        md5('customer' || floor(100000 * power(random(), 4))::text)::uuid AS customer_id FROM generate_series(1, COUNT) AS i;
    INSERT INTO read_model.license_state SELECT (jsonb_populate_record(one.whole, jsonb_build_object(
        'license_id', house.license_id, 'customer_id', house.customer_id, 'issued_at', (one.whole).issued_at + i * interval '1 second',
        'seats', CASE WHEN i % 3 = 0 THEN 5 + i % 20 END, 'active', i % 6,
        'standing', CASE WHEN dice < 0.9 THEN 'active' WHEN dice < 0.95 THEN 'suspended' ELSE 'revoked' END,
        'expires_at', CASE WHEN i % 3 > 0 THEN now() + (power(dice, 3) * 1500 - 300) * interval '1 day' END))).*
        FROM house, (SELECT whole FROM read_model.license_state AS whole LIMIT 1) AS one;
    INSERT INTO read_model.activations (tenant_id, activation_id, license_id, os, app_version, activated_at, deactivated_at, position)
        SELECT 'default', gen_random_uuid(), license_id, (ARRAY['linux', 'windows', 'macos'])[1 + floor(3 * power(dice, 2))],
        '1.' || floor(50 * power(random(), 4)), now() - (COUNT - i) * interval '20 seconds', CASE WHEN dice > 0.8 THEN now() END, 1 FROM house;
    INSERT INTO read_model.last_seen (tenant_id, activation_id, license_id, first_seen_at, last_seen_at, beats, code, app_version,
        hour, hour_users, day, day_users, nonces, position)
        SELECT tenant_id, activation_id, license_id, activated_at, now() - power(random(), 6) * interval '400 days', 1, 'VALID',
        app_version, now(), 0, now(), 0, '', 1 FROM read_model.activations;
    INSERT INTO read_model.license_usage_stats (tenant_id, license_id, beats, machines, first_beat_at, last_beat_at, peak_machines, peak_users)
        SELECT 'default', license_id, 1, 1, now(), CASE WHEN dice < 0.9 THEN now() - power(random(), 6) * interval '400 days' END, 1, 1 FROM house;
    DROP TABLE house;";

pub(crate) async fn run(bench: &Bench, count: u32) -> anyhow::Result<()> {
    let url = bench.database("rooms").await?;
    let platform = platform(&url).await?;
    licenses(&platform, "rooms", 5, 1).await?;
    let reader = Reader::new(platform.log.clone());
    for projector in licet_projections::projectors() {
        licet_projections::rebuild(projector, &platform.log, &|_, _| {}).await?;
    }
    let mut connection = PgConnection::connect(&url).await?;
    let multiply = MULTIPLY.replace("COUNT", &count.to_string());
    sqlx::raw_sql(&multiply).execute(&mut connection).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
    let some = license_state::list(
        &reader,
        &Tenant::default(),
        &LicenseFilter::default(),
        &PageRequest::first(1),
    )
    .await?;
    let real = some.items.first().map(|row| row.license_id).unwrap_or_default();
    let single = measure(async || {
        platform.licenses.fresh(&Tenant::default(), real).await?;
        Ok(())
    })
    .await?;
    println!("{count} licenses and as many machines; reading one license {single:.2} ms (p99 of {TURNS})");
    let busiest = "SELECT customer_id FROM read_model.license_state GROUP BY 1 ORDER BY count(*) DESC LIMIT 1";
    let busiest: Uuid = sqlx::query_scalar(busiest).fetch_one(&mut connection).await?;
    let now = platform.edge.now();
    of_licenses(&reader, now.into(), busiest, single).await?;
    of_machines(&reader, now.into(), busiest, single).await?;
    let begun = Instant::now();
    reader.figures(&Tenant::default(), now).await?;
    tell(
        "the dashboard's figures, once",
        begun.elapsed().as_secs_f64() * 1e3,
        single,
    );
    of_names(&platform, &reader, count / CUSTOMERS_SHARE, single).await
}

async fn of_licenses(reader: &Reader, now: OffsetDateTime, customer: Uuid, single: f64) -> anyhow::Result<()> {
    let none = LicenseFilter::default();
    let by_end = PageRequest {
        by: ListedBy::End,
        ..PageRequest::first(50)
    };
    let last_end = PageRequest {
        descending: true,
        ..by_end.clone()
    };
    let most_machines = PageRequest {
        by: ListedBy::Active,
        ..last_end.clone()
    };
    let first = PageRequest::first(50);
    let soon = LicenseFilter {
        expires_before: Some((now + time::Duration::days(30)).into()),
        expires_after: Some(now.into()),
        ..none.clone()
    };
    let seen_last = PageRequest {
        by: ListedBy::LastSeen,
        ..first.clone()
    };
    let seen_first = PageRequest {
        descending: true,
        ..seen_last.clone()
    };
    let suspended = LicenseFilter {
        standing: Some("suspended"),
        ..none.clone()
    };
    let free = LicenseFilter {
        seats_free: Some(20),
        ..none.clone()
    };
    let of_customer = LicenseFilter {
        customer_id: Some(customer),
        ..none.clone()
    };
    for (name, filter, request) in [
        ("licenses, first page", &none, &first),
        ("licenses by their end", &none, &by_end),
        ("licenses by their end, the last first", &none, &last_end),
        ("licenses that end within 30 days, by their end", &soon, &by_end),
        ("licenses that end within 30 days, by their issue", &soon, &first),
        ("licenses by their machines, the most first", &none, &most_machines),
        ("licenses by when they were seen, the silent first", &none, &seen_last),
        ("licenses by when they were seen, the last first", &none, &seen_first),
        (
            "suspended licenses by when they were seen, the last first",
            &suspended,
            &seen_first,
        ),
        ("suspended licenses", &suspended, &first),
        ("licenses with 20 free seats", &free, &first),
        ("licenses of the largest customer", &of_customer, &first),
    ] {
        let read = async || {
            license_state::list(reader, &Tenant::default(), filter, request).await?;
            Ok(())
        };
        tell(name, measure(read).await?, single);
    }
    Ok(())
}

async fn of_machines(reader: &Reader, now: OffsetDateTime, customer: Uuid, single: f64) -> anyhow::Result<()> {
    let none = ActivationFilter::default();
    let text = |text: &str| Some(text.to_owned());
    let day = time::Duration::days(1);
    let silent_for = |days| Some(now - day * days);
    for (name, filter) in [
        ("machines, first page", none.clone()),
        (
            "machines that were deactivated",
            ActivationFilter {
                status: Some("deactivated"),
                ..none.clone()
            },
        ),
        (
            "machines on a rare system",
            ActivationFilter {
                os: text("macos"),
                ..none.clone()
            },
        ),
        (
            "machines with the commonest version",
            ActivationFilter {
                app_version: text("1.0"),
                ..none.clone()
            },
        ),
        (
            "machines with the rarest version",
            ActivationFilter {
                app_version: text("1.49"),
                ..none.clone()
            },
        ),
        (
            "machines with a version that none has",
            ActivationFilter {
                app_version: text("9.9"),
                ..none.clone()
            },
        ),
        (
            "machines silent for 30 days",
            ActivationFilter {
                last_seen_before: silent_for(30),
                ..none.clone()
            },
        ),
        (
            "machines silent for 399 days",
            ActivationFilter {
                last_seen_before: silent_for(399),
                ..none.clone()
            },
        ),
        (
            "machines of the largest customer",
            ActivationFilter {
                customer_id: Some(customer),
                ..none.clone()
            },
        ),
    ] {
        for descending in [false, true] {
            let request = PageRequest {
                descending,
                ..PageRequest::first(50)
            };
            let read = async || {
                activations::list(reader, &Tenant::default(), &filter, &request).await?;
                Ok(())
            };
            let order = if descending { ", newest first" } else { "" };
            tell(&format!("{name}{order}"), measure(read).await?, single);
        }
    }
    Ok(())
}

/// Names of few first and many last syllables, as institutions have them.
fn name(number: u32) -> String {
    const KINDS: [&str; 4] = ["Universität", "Gymnasium", "Klinikum", "Volksschule"];
    const PLACES: [&str; 6] = ["Wien", "Graz", "Zürich", "Köln", "München", "Bern"];
    let of = |names: &[&str], number: u32| names[number as usize % names.len()].to_owned();
    format!("{} {} {}", of(&KINDS, number), of(&PLACES, number / 4), number / 24)
}

/// Customers in each order, of those that were just made.
async fn of_customers(platform: &Arc<Platform>, reader: &Reader, count: u32, single: f64) -> anyhow::Result<()> {
    let projector = licet_projections::projectors()
        .into_iter()
        .find(|one| one.name() == "resources");
    licet_projections::rebuild(
        projector.context("there is a read model of resources")?,
        &platform.log,
        &|_, _| {},
    )
    .await?;
    for (by, what) in [
        (ListedBy::Creation, "when they were taken up"),
        (ListedBy::Name, "name"),
        (ListedBy::Licenses, "how many licenses they have"),
    ] {
        for descending in [false, true] {
            let request = PageRequest {
                by,
                descending,
                ..PageRequest::first(50)
            };
            let read = async || {
                let page = resources::list::<Customer>(reader, &Tenant::default(), None, &request).await?;
                anyhow::ensure!(page.items.len() == 50, "a page has 50 customers");
                Ok(())
            };
            let order = if descending { ", the other way round" } else { "" };
            tell(
                &format!("{count} customers by {what}{order}"),
                measure(read).await?,
                single,
            );
        }
    }
    Ok(())
}

async fn of_names(platform: &Arc<Platform>, reader: &Reader, count: u32, single: f64) -> anyhow::Result<()> {
    let tenant = Tenant::default();
    let making = futures::stream::iter((0..count).map(Ok::<_, anyhow::Error>)).try_for_each_concurrent(
        128,
        |number| async move {
            let new = NewCustomer {
                name: name(number),
                email: format!("office{number}@example.com"),
                company: None,
            };
            let made = platform
                .create_customer(&context(platform), new, &|_| String::new())
                .await?;
            let id = made.value.customer.id().unwrap_or_default();
            let thing = Thing {
                tenant_id: "default".to_owned(),
                kind: "customer".to_owned(),
                id,
            };
            let named = platform.named(&Tenant::default(), "customer", id, Look::Newest).await?;
            let terms = platform
                .terms(&Tenant::default(), &named.map(|named| named.text).unwrap_or_default())
                .await?;
            let told = Told {
                found_by: vec![(thing, terms)],
                listed: vec![Entry {
                    tenant_id: "default".to_owned(),
                    customer_id: id,
                    name: sort_key(&name(number)),
                    retired: false,
                }],
                ..Told::default()
            };
            search::keep(platform.log.pool(), &told, None).await?;
            Ok(())
        },
    );
    making.await?;
    let mut connection = platform.log.connect().await?;
    sqlx::raw_sql("VACUUM ANALYZE search_terms, customer_directory")
        .execute(&mut connection)
        .await?;
    of_customers(platform, reader, count, single).await?;
    for typed in [
        "un",
        "universität",
        "klinikum köln",
        "klinkum köln 7",
        "gymnasium bern 1",
        "office77@example.com",
        "nobody",
    ] {
        let found = async || {
            let words = platform.typed(&tenant, typed).await?;
            let kinds = ["customer".to_owned()];
            let candidates = search::find(reader, &tenant, &kinds, &words, 200).await?;
            let named = futures::stream::iter(candidates)
                .then(|thing| platform.named(&tenant, "customer", thing.id, Look::Remembered));
            let named: Vec<_> = named.try_collect().await?;
            let best = named
                .into_iter()
                .flatten()
                .filter_map(|named| score(typed, &named.text));
            anyhow::ensure!(typed == "nobody" || best.count() > 0, "{typed} finds something");
            Ok(())
        };
        tell(
            &format!("{typed:?} typed, of {count} customers"),
            measure(found).await?,
            single,
        );
    }
    Ok(())
}

/// The 99th of a hundred, in milliseconds.
async fn measure(read: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..TURNS {
        let started = Instant::now();
        read().await?;
        times.push(started.elapsed());
        // What takes seconds is known after a few.
        if times.len() >= 20 && times.iter().sum::<std::time::Duration>().as_secs() > 20 {
            break;
        }
    }
    Ok(percentile(times).as_secs_f64() * 1e3)
}

fn tell(what: &str, took: f64, single: f64) {
    println!("  {what}: {took:.1} ms, {:.1} times one license", took / single);
}
