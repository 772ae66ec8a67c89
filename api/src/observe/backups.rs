//! Whether backups are made, and whether they were tried; how far the copy of the write-ahead log is.

use std::time::Duration;

use licet_event_store::{
    EventLog,
    backup::{self, BackupError, RunKind},
    embedded::WalState,
};
use opentelemetry::{
    KeyValue,
    metrics::{Gauge, Meter},
};

pub(super) struct BackupGauges {
    age: Gauge<f64>,
    interval: Gauge<f64>,
    failed: Gauge<u64>,
}

impl BackupGauges {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            age: meter
                .f64_gauge("licet_backup_age_seconds")
                .with_description(
                    "How long ago the newest backup of this database was begun, or the newest trial that showed one to \
                     hold; since the epoch where there is none yet.",
                )
                .build(),
            interval: meter
                .f64_gauge("licet_backup_interval_seconds")
                .with_description("How long after one the next begins.")
                .build(),
            failed: meter
                .u64_gauge("licet_backup_failed")
                .with_description("1 where the last that ended failed.")
                .build(),
        }
    }

    /// `clock` is the database's, in seconds since the epoch.
    pub(super) async fn tell(
        &self,
        log: &EventLog,
        clock: f64,
        (kind, every): (RunKind, Duration),
    ) -> Result<(), BackupError> {
        let last = backup::last(log.pool(), kind).await?;
        let named = [KeyValue::new("kind", kind.as_str())];
        self.age.record(last.succeeded.unwrap_or(clock), &named);
        self.interval.record(every.as_secs_f64(), &named);
        self.failed.record(last.error.is_some().into(), &named);
        Ok(())
    }
}

pub(super) struct WalGauges {
    running: Gauge<u64>,
    behind: Gauge<i64>,
}

impl WalGauges {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            running: meter
                .u64_gauge("licet_wal_copy_running")
                .with_description(
                    "1 while the write-ahead log is copied to another folder, beside a copy of the whole database that \
                     is at most twice as old as was asked for.",
                )
                .build(),
            behind: meter
                .i64_gauge("licet_wal_copy_behind_bytes")
                .with_description("Bytes of the write-ahead log that are not in the copy.")
                .build(),
        }
    }

    pub(super) fn tell(&self, state: WalState, is_whole: bool) {
        self.running.record((state.is_running && is_whole).into(), &[]);
        self.behind.record(state.behind, &[]);
    }
}
