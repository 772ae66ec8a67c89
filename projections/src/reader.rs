//! Reading for one tenant, as the role that sees no other's rows.

use std::{sync::Arc, time::Duration};

use licet_event_store::{EventLog, Tenant};
use moka::sync::Cache;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::Notify;

use crate::{PageRequest, Projector, Total, figures::FiguresCache};

/// Reads the read models.
#[derive(Clone)]
pub struct Reader {
    log: EventLog,
    /// Tells the projectors of this node that someone waits for them.
    waiting: Arc<Notify>,
    /// Totals of the last second: whoever pages counts once.
    totals: Cache<TotalKey, Counted>,
    figures: FiguresCache,
}

/// Whose list, which, and how it is filtered.
type TotalKey = (Tenant, &'static str, String);

/// A total, and the position that whoever asked knew of.
#[derive(Clone, Copy)]
struct Counted {
    count: i64,
    min_position: i64,
}

/// For how long a total is told again to who knows of nothing newer.
const TOTAL_LIFETIME: Duration = Duration::from_secs(1);

/// Why waiting for a position ended.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The read model did not get there in time.
    #[error("{name} is at position {reached}, not yet at {wanted}")]
    Behind {
        /// The read model.
        name: &'static str,
        /// Where it is.
        reached: i64,
        /// Where it should be.
        wanted: i64,
    },
    /// The database failed.
    #[error("the read model could not be asked")]
    Database(#[from] sqlx::Error),
}

impl Reader {
    /// A reader over a log's database.
    pub fn new(log: EventLog) -> Self {
        Self {
            log,
            waiting: Arc::default(),
            totals: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(TOTAL_LIFETIME)
                .build(),
            figures: FiguresCache::new(),
        }
    }

    pub(crate) fn log(&self) -> &EventLog {
        &self.log
    }

    pub(crate) fn figures_cache(&self) -> &FiguresCache {
        &self.figures
    }

    /// How many rows a list has, of which these many were read for the page. Counting is most of what a page costs: it was
    /// done a moment ago, or is done now, and a list that the first page shows whole needs none.
    pub(crate) async fn total(
        &self,
        tenant: &Tenant,
        list: &'static str,
        filter: String,
        request: &PageRequest,
        rows: usize,
        count: impl Future<Output = sqlx::Result<i64>>,
    ) -> sqlx::Result<Total> {
        if let Some(count) = request.whole(rows) {
            return Ok(Total::counted(count, true));
        }
        let key = (tenant.clone(), list, format!("{filter}/{:?}", request.count_limit()));
        let known = self.totals.get(&key);
        if let Some(known) = known.filter(|known| known.min_position >= request.min_position) {
            return Ok(Total::of(known.count, request));
        }
        let (count, min_position) = (count.await?, request.min_position);
        self.totals.insert(key, Counted { count, min_position });
        Ok(Total::of(count, request))
    }

    /// The projectors of this node are wanted at once.
    pub(crate) fn hurry(&self) {
        self.waiting.notify_one();
    }

    /// Returns when someone waits for a read model on this node.
    pub(crate) async fn waited_for(&self) {
        self.waiting.notified().await;
    }

    /// A transaction in which only this tenant's rows exist: the second barrier, below the queries' own conditions. For
    /// lists and reports.
    pub(crate) async fn begin(&self, tenant: &Tenant) -> sqlx::Result<Transaction<'static, Postgres>> {
        Self::begin_in(self.log.report_pool(), tenant).await
    }

    /// The same for what machines ask, which no report may keep waiting.
    pub(crate) async fn begin_for_machines(&self, tenant: &Tenant) -> sqlx::Result<Transaction<'static, Postgres>> {
        Self::begin_in(self.log.pool(), tenant).await
    }

    /// A transaction of the schema's owner, for the one index whose entries are each tenant's own by their hashes.
    pub(crate) async fn begin_for_search(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.log.report_pool().begin().await
    }

    async fn begin_in(pool: &PgPool, tenant: &Tenant) -> sqlx::Result<Transaction<'static, Postgres>> {
        let mut transaction = pool.begin().await?;
        sqlx::query!(
            r#"SELECT set_config('licet.tenant_id', $1, true) AS tenant, set_config('role', 'licet_reader', true) AS role"#,
            tenant.as_str(),
        )
        .fetch_one(&mut *transaction)
        .await?;
        Ok(transaction)
    }

    /// Waits until a read model has folded a position.
    pub async fn wait_for(&self, projector: &dyn Projector, wanted: i64, patience: Duration) -> Result<(), WaitError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let reached = sqlx::query_scalar!(
                "SELECT position FROM projector_checkpoints WHERE name = $1",
                projector.name(),
            )
            .fetch_optional(self.log.pool())
            .await?
            .unwrap_or(0);
            if reached >= wanted {
                return Ok(());
            }
            self.hurry();
            if tokio::time::Instant::now() >= deadline {
                return Err(WaitError::Behind {
                    name: projector.name(),
                    reached,
                    wanted,
                });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
