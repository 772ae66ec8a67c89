//! What is looked at when the metrics are asked for: pools, queue and runtime of this process, and what waits in the whole
//! installation, by asking the database on the way that requests take.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use licet_event_store::{archive, embedded::wal_state};
use licet_projections::{Backlog, Waiting, backlog};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter},
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

use super::{
    Metrics,
    backups::{BackupGauges, WalGauges},
};
use crate::App;

/// A database that has not said after so long how far the log is, is told as one that is away.
const PATIENCE: Duration = Duration::from_millis(800);
/// Who asks more often hears the same again: anybody inside may ask.
const LIFETIME: Duration = Duration::from_secs(1);

pub(super) struct Gauges {
    connections: Gauge<u64>,
    connections_limit: Gauge<u64>,
    queue: Gauge<u64>,
    append_limit: Gauge<u64>,
    tasks: Gauge<u64>,
    runnable: Gauge<u64>,
    threads: Gauge<u64>,
    busy: Counter<f64>,
    database_up: Gauge<u64>,
    backlog_counted: Gauge<u64>,
    clock_offset: Gauge<f64>,
    backups: BackupGauges,
    wal: WalGauges,
    head: Gauge<i64>,
    projector_events: Gauge<i64>,
    projector_seconds: Gauge<f64>,
    projector_stopped: Gauge<u64>,
    consumer_events: Gauge<i64>,
    consumer_seconds: Gauge<f64>,
    consumer_stopped: Gauge<u64>,
    sessions: Gauge<i64>,
    months_due: Gauge<u64>,
    /// When the database was asked last.
    asked: tokio::sync::Mutex<Option<Instant>>,
    /// How long the runtime's threads had worked when it was looked at last.
    worked: Mutex<Duration>,
}

impl Gauges {
    pub(super) fn new(meter: &Meter) -> Self {
        let count = |name, description| meter.u64_gauge(name).with_description(description).build();
        let events = |name, description| meter.i64_gauge(name).with_description(description).build();
        let seconds = |name, description| meter.f64_gauge(name).with_description(description).build();
        Self {
            connections: count(
                "licet_db_connections",
                "Connections to the database, by pool and whether they are idle or used.",
            ),
            connections_limit: count("licet_db_connections_limit", "How many connections a pool may have."),
            queue: count(
                "licet_queue_depth",
                "What waits: submissions to the log on this node (append), deliveries to webhooks, mails.",
            ),
            append_limit: count(
                "licet_append_queue_limit",
                "Submissions that may wait on this node; more are refused.",
            ),
            tasks: count("licet_runtime_tasks", "Tasks of the runtime that have not ended."),
            runnable: count(
                "licet_runtime_queue_depth",
                "Tasks that wait for a thread of the runtime.",
            ),
            threads: count("licet_runtime_threads", "Threads on which the runtime runs tasks."),
            busy: meter
                .f64_counter("licet_runtime_busy_seconds")
                .with_description("Time for which the runtime's threads have worked.")
                .build(),
            database_up: count(
                "licet_database_up",
                "1 where the database answers what monitoring asks, 0 where not.",
            ),
            backlog_counted: count(
                "licet_backlog_counted",
                "1 where what waits was counted this time; where not, those figures are old.",
            ),
            clock_offset: seconds(
                "licet_clock_offset_seconds",
                "How far this node's clock is ahead of the database's.",
            ),
            head: events("licet_log_position", "The position of the log's newest event."),
            projector_events: events(
                "licet_projector_lag_events",
                "Events that a projector has not folded yet.",
            ),
            projector_seconds: seconds(
                "licet_projector_lag_seconds",
                "Age of the oldest event that a projector has not folded yet.",
            ),
            projector_stopped: count(
                "licet_projector_stopped",
                "1 where a projector stands at what it cannot read.",
            ),
            consumer_events: events(
                "licet_consumer_lag_events",
                "Events that a consumer of the log has not seen yet.",
            ),
            consumer_seconds: seconds(
                "licet_consumer_lag_seconds",
                "Age of the oldest event that a consumer of the log has not seen yet.",
            ),
            consumer_stopped: count(
                "licet_consumer_stopped",
                "1 where a consumer of the log has given up until an operator decides.",
            ),
            sessions: events(
                "licet_sessions",
                "Sessions of operators that were used in the last 15 minutes.",
            ),
            months_due: count(
                "licet_archive_months_due",
                "Months of tables that should have left for the archive.",
            ),
            backups: BackupGauges::new(meter),
            wal: WalGauges::new(meter),
            asked: tokio::sync::Mutex::new(None),
            worked: Mutex::new(Duration::ZERO),
        }
    }
}

impl Metrics {
    /// Looks at what is told as it is now, within this time.
    pub(crate) async fn look(&self, app: &App, within: Duration) {
        let begun = Instant::now();
        self.look_at_process(app);
        let mut asked = self.gauges.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < LIFETIME) {
            return;
        }
        let head = timeout(PATIENCE.min(within / 2), app.platform.log.position()).await;
        let up = matches!(head, Ok(Ok(_)));
        self.gauges.database_up.record(u64::from(up), &[]);
        let left = within.saturating_sub(begun.elapsed());
        let counted = up && matches!(timeout(left, self.ask_database(app)).await, Ok(Ok(())));
        if up && !counted {
            tracing::warn!("what waits could not be counted for monitoring");
        }
        // Where it is 0, the figures of what waits are old.
        self.gauges.backlog_counted.record(u64::from(counted), &[]);
        *asked = Some(Instant::now());
    }

    fn look_at_process(&self, app: &App) {
        let (gauges, log) = (&self.gauges, &app.platform.log);
        for (name, pool) in [("seats", log.pool()), ("reports", log.report_pool())] {
            let (all, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
            for (state, connections) in [("idle", idle), ("used", all.saturating_sub(idle))] {
                let labels = [KeyValue::new("pool", name), KeyValue::new("state", state)];
                gauges.connections.record(connections, &labels);
            }
            let limit = u64::from(pool.options().get_max_connections());
            gauges.connections_limit.record(limit, &[KeyValue::new("pool", name)]);
        }
        let (waiting, limit) = log.queue();
        self.queue("append", waiting as u64);
        gauges.append_limit.record(limit as u64, &[]);
        let runtime = Handle::current().metrics();
        gauges.tasks.record(runtime.num_alive_tasks() as u64, &[]);
        gauges.runnable.record(runtime.global_queue_depth() as u64, &[]);
        gauges.threads.record(runtime.num_workers() as u64, &[]);
        let worked = (0..runtime.num_workers()).map(|thread| runtime.worker_total_busy_duration(thread));
        let worked: Duration = worked.sum();
        if let Ok(mut before) = gauges.worked.lock() {
            gauges.busy.add(worked.saturating_sub(*before).as_secs_f64(), &[]);
            *before = worked.max(*before);
        }
    }

    async fn ask_database(&self, app: &App) -> anyhow::Result<()> {
        let (watched, log) = (&app.settings.watched, &app.platform.log);
        let backlog = backlog(log, &watched.consumers).await?;
        // What was asked after the clock took its time.
        let now = app.platform.edge.now().millis() as f64 / 1e3 - backlog.clock_read.elapsed().as_secs_f64();
        self.gauges.clock_offset.record(now - backlog.clock, &[]);
        self.tell(&backlog);
        for run in &watched.backups {
            self.gauges.backups.tell(log, backlog.clock, *run).await?;
        }
        if let Some(is_whole) = &watched.wal {
            let is_whole = is_whole.load(Ordering::Relaxed);
            self.gauges.wal.tell(wal_state(log.pool()).await?, is_whole);
        }
        if log.archive().is_some() {
            let months = archive::months_due(log, &watched.retention.archived_tables()).await?;
            self.gauges.months_due.record(months as u64, &[]);
        }
        Ok(())
    }

    fn tell(&self, backlog: &Backlog) {
        let gauges = &self.gauges;
        gauges.head.record(backlog.head, &[]);
        gauges.sessions.record(backlog.sessions, &[]);
        self.queue("webhooks", backlog.deliveries.unsigned_abs());
        self.queue("mails", backlog.mails.unsigned_abs());
        let label = |kind, waiting: &Waiting| [KeyValue::new(kind, waiting.name.clone())];
        for projector in &backlog.projectors {
            let labels = label("projector", projector);
            gauges.projector_events.record(projector.events, &labels);
            gauges.projector_seconds.record(projector.age.as_secs_f64(), &labels);
            gauges.projector_stopped.record(u64::from(projector.stopped), &labels);
        }
        for consumer in &backlog.consumers {
            let labels = label("consumer", consumer);
            gauges.consumer_events.record(consumer.events, &labels);
            gauges.consumer_seconds.record(consumer.age.as_secs_f64(), &labels);
            gauges.consumer_stopped.record(u64::from(consumer.stopped), &labels);
        }
    }

    fn queue(&self, name: &'static str, waiting: u64) {
        self.gauges.queue.record(waiting, &[KeyValue::new("queue", name)]);
    }
}
