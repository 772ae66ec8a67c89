//! The statements that store what was folded: one for each table, however many rows.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::fold::{Added, Beat, Machine, Names, OTHER, buckets};

pub(super) async fn load_machines(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Machine>> {
    let rows = sqlx::query_as!(
        Machine,
        "SELECT last_seen.* FROM unnest($1::uuid[]) AS wanted (id) JOIN last_seen ON activation_id = wanted.id",
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.activation_id, row)).collect())
}

/// The features that are counted already on the days of these beats.
pub(super) async fn load_names(connection: &mut PgConnection, beats: &[Beat]) -> sqlx::Result<Names> {
    let with_features = beats.iter().filter(|beat| !beat.event.features.is_empty());
    let days: HashSet<(Uuid, OffsetDateTime)> = with_features
        .map(|beat| (beat.event.license_id.0, buckets(beat.recorded_at).1))
        .collect();
    if days.is_empty() {
        return Ok(Names::new());
    }
    let (licenses, days): (Vec<Uuid>, Vec<OffsetDateTime>) = days.into_iter().unzip();
    let rows = sqlx::query!(
        r#"SELECT f.license_id, f.day, f.feature FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (license_id, day)
           JOIN feature_usage f USING (license_id, day)"#,
        &licenses,
        &days,
    )
    .fetch_all(connection)
    .await?;
    let mut names = Names::new();
    for row in rows {
        names.entry((row.license_id, row.day)).or_default().insert(row.feature);
    }
    // What stands for all the others is no name of its own.
    names.values_mut().for_each(|known| _ = known.remove(OTHER));
    Ok(names)
}

pub(super) async fn write_beats(connection: &mut PgConnection, beats: &[Beat]) -> sqlx::Result<()> {
    let json = |counts: &std::collections::BTreeMap<String, u64>| {
        serde_json::to_string(counts).expect("maps with string keys always encode")
    };
    sqlx::query!(
        r#"INSERT INTO license_heartbeats (tenant_id, position, license_id, activation_id, recorded_at, code, active_users,
               app_version, features, usage)
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::bigint[],
               $8::text[], $9::text[], $10::text[])"#,
        &beats.iter().map(|beat| beat.tenant_id.clone()).collect::<Vec<_>>(),
        &beats.iter().map(|beat| beat.position).collect::<Vec<_>>(),
        &beats.iter().map(|beat| beat.event.license_id.0).collect::<Vec<_>>(),
        &beats.iter().map(|beat| beat.event.activation_id.0).collect::<Vec<_>>(),
        &beats.iter().map(|beat| beat.recorded_at).collect::<Vec<_>>(),
        &beats.iter().map(|beat| beat.event.code.code().to_owned()).collect::<Vec<_>>(),
        &beats
            .iter()
            .map(|beat| beat.event.active_users.map(|users| i64::try_from(users).unwrap_or(i64::MAX)))
            .collect::<Vec<_>>() as &[Option<i64>],
        &beats
            .iter()
            .map(|beat| beat.event.app_version.as_ref().map(|version| version.as_str().to_owned()))
            .collect::<Vec<_>>() as &[Option<String>],
        &beats.iter().map(|beat| json(&beat.event.features)).collect::<Vec<_>>(),
        &beats.iter().map(|beat| json(&beat.event.usage)).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn write_machines(connection: &mut PgConnection, machines: &[Machine]) -> sqlx::Result<()> {
    macro_rules! column {
        ($field:ident) => {
            machines.iter().map(|row| row.$field.clone()).collect::<Vec<_>>()
        };
    }
    sqlx::query!(
        r#"INSERT INTO last_seen (tenant_id, activation_id, license_id, first_seen_at, last_seen_at, beats, code, app_version,
               active_users, hour, hour_users, day, day_users, nonces, position)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::text[],
               $8::text[], $9::bigint[], $10::timestamptz[], $11::bigint[], $12::timestamptz[], $13::bigint[], $14::text[], $15::bigint[])
           ON CONFLICT (activation_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, beats = excluded.beats,
               code = excluded.code, app_version = excluded.app_version, active_users = excluded.active_users,
               hour = excluded.hour, hour_users = excluded.hour_users, day = excluded.day, day_users = excluded.day_users,
               nonces = excluded.nonces, position = excluded.position"#,
        &column!(tenant_id),
        &column!(activation_id),
        &column!(license_id),
        &column!(first_seen_at),
        &column!(last_seen_at),
        &column!(beats),
        &column!(code),
        &column!(app_version) as &[Option<String>],
        &column!(active_users) as &[Option<i64>],
        &column!(hour),
        &column!(hour_users),
        &column!(day),
        &column!(day_users),
        &column!(nonces),
        &column!(position),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The most machines and users that a license had in one of the hours that were written.
pub(super) type Peaks = HashMap<Uuid, (i64, i64)>;

pub(super) async fn write_activity(connection: &mut PgConnection, added: &Added) -> sqlx::Result<Peaks> {
    let rows: Vec<_> = added.activity.iter().collect();
    let written = sqlx::query!(
        r#"INSERT INTO activity (tenant_id, license_id, bucket, since, beats, machines, active_users)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[])
           ON CONFLICT (license_id, bucket, since) DO UPDATE SET beats = activity.beats + excluded.beats,
               machines = activity.machines + excluded.machines, active_users = activity.active_users + excluded.active_users
           RETURNING license_id, bucket, machines, active_users"#,
        &rows.iter().map(|(key, _)| key.0.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| key.1).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| key.2.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| key.3).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.beats).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.machines).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.active_users).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut peaks = Peaks::new();
    for row in written.into_iter().filter(|row| row.bucket == "hour") {
        let peak = peaks.entry(row.license_id).or_default();
        *peak = (peak.0.max(row.machines), peak.1.max(row.active_users));
    }
    Ok(peaks)
}

pub(super) async fn write_counts(connection: &mut PgConnection, added: &Added) -> sqlx::Result<()> {
    macro_rules! columns {
        ($counts:expr) => {{
            let rows: Vec<_> = $counts.iter().collect();
            (
                rows.iter().map(|(key, _)| key.0.clone()).collect::<Vec<String>>(),
                rows.iter().map(|(key, _)| key.1).collect::<Vec<Uuid>>(),
                rows.iter().map(|(key, _)| key.2.clone()).collect::<Vec<String>>(),
                rows.iter().map(|(key, _)| key.3).collect::<Vec<OffsetDateTime>>(),
                rows.iter().map(|(_, count)| **count).collect::<Vec<i64>>(),
            )
        }};
    }
    // Sums stay at the largest number that the database can hold rather than wrap or fail.
    if !added.features.is_empty() {
        let (tenants, licenses, features, days, counts) = columns!(added.features);
        sqlx::query!(
            r#"INSERT INTO feature_usage (tenant_id, license_id, feature, day, count)
               SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[])
               ON CONFLICT (license_id, feature, day) DO UPDATE SET
                   count = least(feature_usage.count::numeric + excluded.count, 9223372036854775807)::bigint"#,
            &tenants,
            &licenses,
            &features,
            &days,
            &counts,
        )
        .execute(&mut *connection)
        .await?;
    }
    if !added.meters.is_empty() {
        let (tenants, licenses, meters, periods, amounts) = columns!(added.meters);
        sqlx::query!(
            r#"INSERT INTO meter_usage (tenant_id, license_id, meter, period, amount)
               SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[])
               ON CONFLICT (license_id, period, meter) DO UPDATE SET
                   amount = least(meter_usage.amount::numeric + excluded.amount, 9223372036854775807)::bigint"#,
            &tenants,
            &licenses,
            &meters,
            &periods,
            &amounts,
        )
        .execute(&mut *connection)
        .await?;
        let (tenants, licenses, meters, days, amounts) = columns!(added.meter_days);
        sqlx::query!(
            r#"INSERT INTO meter_days (tenant_id, license_id, meter, day, amount)
               SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[])
               ON CONFLICT (license_id, meter, day) DO UPDATE SET
                   amount = least(meter_days.amount::numeric + excluded.amount, 9223372036854775807)::bigint"#,
            &tenants,
            &licenses,
            &meters,
            &days,
            &amounts,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// The figures of new licenses, of which no machine has reported.
pub(super) async fn begin_stats(connection: &mut PgConnection, licenses: &[(String, Uuid)]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO license_usage_stats (tenant_id, license_id, beats, machines, peak_machines, peak_users)
           SELECT *, 0, 0, 0, 0 FROM unnest($1::text[], $2::uuid[]) ON CONFLICT (license_id) DO NOTHING"#,
        &licenses.iter().map(|(tenant, _)| tenant.clone()).collect::<Vec<_>>(),
        &licenses.iter().map(|(_, license)| *license).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn write_stats(connection: &mut PgConnection, added: &Added, peaks: &Peaks) -> sqlx::Result<()> {
    let rows: Vec<_> = added.stats.iter().collect();
    let peak = |license: &Uuid| peaks.get(license).copied().unwrap_or_default();
    sqlx::query!(
        r#"INSERT INTO license_usage_stats (tenant_id, license_id, beats, machines, first_beat_at, last_beat_at, peak_machines, peak_users)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
               $7::bigint[], $8::bigint[])
           ON CONFLICT (license_id) DO UPDATE SET beats = license_usage_stats.beats + excluded.beats,
               machines = license_usage_stats.machines + excluded.machines,
               first_beat_at = coalesce(license_usage_stats.first_beat_at, excluded.first_beat_at), last_beat_at = excluded.last_beat_at,
               peak_machines = greatest(license_usage_stats.peak_machines, excluded.peak_machines),
               peak_users = greatest(license_usage_stats.peak_users, excluded.peak_users)"#,
        &rows.iter().map(|(key, _)| key.0.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| key.1).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.beats).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.machines).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.first).collect::<Vec<_>>(),
        &rows.iter().map(|(_, one)| one.last).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| peak(&key.1).0).collect::<Vec<_>>(),
        &rows.iter().map(|(key, _)| peak(&key.1).1).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
