//! Licenses as they were: folded from their own histories, which takes no replay of the whole log.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use licet_domain::{Decider as _, license::License};
use licet_event_store::{ReadError, Tenant};
use uuid::Uuid;

use super::projector::{LicenseState, Row};
use crate::{Reader, runtime::RowProjector as _};

/// Licenses whose histories are read at once.
const READ_AT_ONCE: usize = 1_000;

/// What is kept of the licenses that a customer had in the books at a position of the log, the newest first.
pub(crate) async fn of_customer<T>(
    reader: &Reader,
    tenant: &Tenant,
    customer_id: Uuid,
    position: i64,
    kept: impl Fn(Row) -> T,
) -> Result<Vec<T>, ReadError> {
    let mut transaction = reader.begin(tenant).await?;
    let ids = sqlx::query_scalar!(
        "SELECT license_id FROM license_state WHERE tenant_id = $1 AND customer_id = $2 ORDER BY issued_at DESC, license_id DESC",
        tenant.as_str(),
        customer_id,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let mut licenses = Vec::new();
    for some in ids.chunks(READ_AT_ONCE) {
        let names: Vec<String> = some.iter().map(Uuid::to_string).collect();
        let mut events = std::pin::pin!(reader.log().histories(tenant, License::TYPE, &names, position));
        let mut folded: HashMap<Uuid, Row> = HashMap::with_capacity(some.len());
        while let Some(event) = events.try_next().await? {
            let (id, event) = LicenseState::decode(&event)?;
            let row = LicenseState::apply(folded.remove(&id), event);
            folded.extend(row.map(|row| (id, row)));
        }
        let known = some.iter().filter_map(|id| folded.remove(id));
        licenses.extend(known.filter(|row| row.standing != "retired").map(&kept));
    }
    Ok(licenses)
}
