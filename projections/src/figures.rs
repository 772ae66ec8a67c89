//! The dashboard's figures: counted once for all who look, and only as often as counting is cheap.

use std::{sync::Arc, time::Duration};

use licet_domain::values::Timestamp;
use licet_event_store::Tenant;
use moka::sync::Cache;
use time::OffsetDateTime;
use tokio::{sync::Mutex, time::Instant};

use crate::Reader;

/// So old a figure may be in any case.
const LIFETIME: Duration = Duration::from_millis(500);
/// At most one part in so many of the time is spent counting.
const SHARE: u32 = 20;

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Licenses in the books.
    pub licenses: i64,
    /// Those that have begun and whose end has not come.
    pub active: i64,
    /// Those that were suspended.
    pub suspended: i64,
    /// Customers in the books.
    pub customers: i64,
    /// Machines that hold a seat.
    pub devices: i64,
}

/// Each tenant's figures as they were counted last.
#[derive(Clone)]
pub(crate) struct FiguresCache(Cache<Tenant, Arc<Mutex<Option<Counted>>>>);

#[derive(Clone, Copy)]
struct Counted {
    figures: Figures,
    at: Instant,
    cost: Duration,
}

impl FiguresCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(1_000))
    }
}

impl Reader {
    /// The figures, counted now or a moment ago; whoever asks while they are counted waits for that.
    pub async fn figures(&self, tenant: &Tenant, now: Timestamp) -> sqlx::Result<Figures> {
        let known = self.figures_cache().0.get_with(tenant.clone(), Arc::default);
        let mut known = known.lock().await;
        if let Some(counted) = *known
            && counted.at.elapsed() < LIFETIME.max(counted.cost * SHARE)
        {
            return Ok(counted.figures);
        }
        let begun = Instant::now();
        let figures = count(self, tenant, now).await?;
        *known = Some(Counted {
            figures,
            at: Instant::now(),
            cost: begun.elapsed(),
        });
        Ok(figures)
    }
}

async fn count(reader: &Reader, tenant: &Tenant, now: Timestamp) -> sqlx::Result<Figures> {
    let mut transaction = reader.begin(tenant).await?;
    let figures = sqlx::query_as!(
        Figures,
        r#"SELECT licenses AS "licenses!", active AS "active!", suspended AS "suspended!", customers AS "customers!", devices AS "devices!"
           FROM (SELECT count(*) AS licenses,
                     count(*) FILTER (WHERE standing = 'active' AND NOT expiry_noted AND valid_from <= $2) AS active,
                     count(*) FILTER (WHERE standing = 'suspended') AS suspended
                 FROM license_state WHERE tenant_id = $1 AND standing <> 'retired') AS of_licenses,
                (SELECT count(*) AS customers FROM resources
                 WHERE tenant_id = $1 AND kind = 'customer' AND NOT retired) AS of_customers,
                (SELECT count(*) AS devices FROM activations
                 WHERE tenant_id = $1 AND CASE WHEN deactivated_at IS NOT NULL THEN 'deactivated' WHEN silent_since IS NOT NULL THEN 'silent' ELSE 'active' END = 'active') AS of_devices"#,
        tenant.as_str(),
        OffsetDateTime::from(now),
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(figures)
}
