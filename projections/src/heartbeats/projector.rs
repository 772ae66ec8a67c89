//! Drives the fold over the log's heartbeats.

use std::collections::HashMap;

use futures::future::BoxFuture;
use licet_domain::{DecodeError, heartbeat::HeartbeatEvent};
use licet_event_store::{LogTable, ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    fold::{Added, Beat, Machine},
    tables,
};
use crate::runtime::{Export, Folding, Projector};

/// The projector of `license_heartbeats` and of what is counted from it.
pub(crate) struct Heartbeats;

impl Projector for Heartbeats {
    fn name(&self) -> &'static str {
        "license_heartbeats"
    }
    fn version(&self) -> i32 {
        4
    }
    fn tables(&self) -> &'static [&'static str] {
        &[
            "license_heartbeats",
            "last_seen",
            "activity",
            "feature_usage",
            "meter_usage",
            "meter_days",
            "license_usage_stats",
        ]
    }
    fn exports(&self) -> &'static [Export] {
        const fn table(name: &'static str) -> Export {
            Export { name, select: None }
        }
        const {
            &[
                table("license_heartbeats"),
                table("last_seen"),
                Export {
                    name: "activity_hours",
                    select: Some(
                        "SELECT tenant_id, license_id, since AS hour, beats, machines, active_users
                         FROM activity WHERE bucket = 'hour'",
                    ),
                },
                Export {
                    name: "activity_days",
                    select: Some(
                        "SELECT tenant_id, license_id, since AS day, beats, machines, active_users
                         FROM activity WHERE bucket = 'day'",
                    ),
                },
                table("feature_usage"),
                table("meter_usage"),
                table("meter_days"),
                Export {
                    name: "license_usage_stats",
                    select: Some(
                        "SELECT tenant_id, license_id, beats, machines, first_beat_at, last_beat_at, peak_machines, peak_users
                         FROM license_usage_stats WHERE beats > 0",
                    ),
                },
            ]
        }
    }
    fn log_tables(&self) -> &'static [LogTable] {
        &[LogTable::Events, LogTable::Heartbeats]
    }
    fn event_types(&self) -> Vec<&'static str> {
        vec![HEARTBEAT, ISSUED]
    }
    fn begin(&self) -> Box<dyn Folding> {
        Box::new(Stretch::default())
    }
}

const HEARTBEAT: &str = "heartbeat.recorded";
/// From then on a license has its figures: it can be listed by when it was seen last, which is never.
const ISSUED: &str = "license.issued";

#[derive(Default)]
struct Stretch {
    beats: Vec<Beat>,
    /// Whose licenses are new, and which.
    issued: Vec<(String, Uuid)>,
}

impl Folding for Stretch {
    fn push(&mut self, row: &RecordedRow) -> Result<(), ReadError> {
        let position = row.position()?;
        if row.event_type()? == ISSUED {
            let id = row.aggregate_id()?;
            let id = id.parse().map_err(|_| ReadError::Decode {
                position,
                cause: DecodeError::Payload {
                    event_type: ISSUED.to_owned(),
                    cause: format!("the aggregate id {id:?} is no UUID"),
                },
            })?;
            self.issued.push((row.tenant_id()?.to_owned(), id));
            return Ok(());
        }
        let HeartbeatEvent::Recorded(event) = decode(row.event_type()?, row.event_version()?, row.payload()?)
            .map_err(|cause| ReadError::Decode { position, cause })?;
        self.beats.push(Beat {
            tenant_id: row.tenant_id()?.to_owned(),
            position,
            recorded_at: row.recorded_at()?,
            event,
        });
        Ok(())
    }

    fn pending(&self) -> usize {
        self.beats.len() + self.issued.len()
    }

    fn flush<'a>(&'a mut self, connection: &'a mut PgConnection) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            for some in self.issued.chunks(20_000) {
                tables::begin_stats(connection, some).await?;
            }
            self.issued.clear();
            if self.beats.is_empty() {
                return Ok(());
            }
            let mut ids: Vec<Uuid> = self.beats.iter().map(|beat| beat.event.activation_id.0).collect();
            ids.sort_unstable();
            ids.dedup();
            let mut machines: HashMap<Uuid, Machine> = HashMap::with_capacity(ids.len());
            for some in ids.chunks(20_000) {
                machines.extend(tables::load_machines(connection, some).await?);
            }
            let mut added = Added {
                names: tables::load_names(connection, &self.beats).await?,
                ..Added::default()
            };
            for beat in &self.beats {
                let known = machines.remove(&beat.event.activation_id.0);
                let machine = added.fold(known, beat);
                machines.insert(machine.activation_id, machine);
            }
            for some in self.beats.chunks(20_000) {
                tables::write_beats(connection, some).await?;
            }
            let machines: Vec<Machine> = machines.into_values().collect();
            for some in machines.chunks(20_000) {
                tables::write_machines(connection, some).await?;
            }
            let peaks = tables::write_activity(connection, &added).await?;
            tables::write_counts(connection, &added).await?;
            tables::write_stats(connection, &added, &peaks).await?;
            self.beats.clear();
            Ok(())
        })
    }
}
