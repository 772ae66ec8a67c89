//! Folds a license's events into its row.

use futures::future::BoxFuture;
use licet_domain::{
    Decider as _, EventData as _,
    license::{License, LicenseEvent, Overrides},
    values::Timestamp,
};
use licet_event_store::{ReadError, RecordedRow, decode};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::runtime::{CopyRows, Export, RowProjector, column, copy_rows};

/// The projector of `license_state`.
pub(crate) struct LicenseState;

/// A row as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: String,
    pub(crate) license_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) policy_id: Uuid,
    pub(crate) product_id: Uuid,
    pub(crate) key_masked: String,
    pub(crate) standing: String,
    pub(crate) seats: Option<i32>,
    pub(crate) active: i32,
    pub(crate) valid_from: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) expiry_noted: bool,
    pub(crate) features: String,
    pub(crate) limits: String,
    pub(crate) note_sealed: Option<String>,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) position: i64,
}

/// An event with what its envelope adds.
pub(crate) struct Event {
    event: LicenseEvent,
    tenant_id: String,
    position: i64,
}

impl RowProjector for LicenseState {
    const NAME: &'static str = "license_state";
    const VERSION: i32 = 2;
    const TABLE: &'static str = "license_state";
    const EXPORTS: &'static [Export] = &[Export {
        name: "license_state",
        select: Some(
            "SELECT l.tenant_id, l.license_id, l.customer_id, l.policy_id, policy.code AS policy, l.product_id,
                    product.code AS product, l.key_masked, l.standing,
                    coalesce(l.seats, (facts->'terms'->>'seats')::integer) AS seats, l.active, l.valid_from, l.expires_at,
                    l.features, l.limits, l.issued_at, l.position
             FROM license_state l
             LEFT JOIN resources product ON product.kind = 'product' AND product.resource_id = l.product_id
             LEFT JOIN resources policy ON policy.kind = 'policy' AND policy.resource_id = l.policy_id
             LEFT JOIN LATERAL jsonb_each(policy.state::jsonb) AS life (stage, facts) ON true",
        ),
    }];
    const EXPORTS_WITH: &'static [&'static str] = &["resources"];
    type Key = Uuid;
    type Row = Row;
    type Event = Event;

    fn event_types() -> Vec<&'static str> {
        LicenseEvent::TYPES.iter().map(|(name, _)| *name).collect()
    }

    fn decode(row: &RecordedRow) -> Result<(Uuid, Event), ReadError> {
        let position = row.position()?;
        let undecodable = |cause| ReadError::Decode { position, cause };
        let event: LicenseEvent =
            decode(row.event_type()?, row.event_version()?, row.payload()?).map_err(undecodable)?;
        let id = row.aggregate_id()?;
        let id = id.parse().map_err(|_| {
            let cause = format!("the aggregate id {id:?} is no UUID");
            undecodable(licet_domain::DecodeError::Payload {
                event_type: License::TYPE.to_owned(),
                cause,
            })
        })?;
        Ok((
            id,
            Event {
                event,
                tenant_id: row.tenant_id()?.to_owned(),
                position,
            },
        ))
    }

    fn apply(
        row: Option<Row>,
        Event {
            event,
            tenant_id,
            position,
        }: Event,
    ) -> Option<Row> {
        if let LicenseEvent::Issued(issued) = &event {
            let (features, limits) = overrides(&issued.overrides);
            return Some(Row {
                tenant_id,
                license_id: issued.license_id.0,
                customer_id: issued.customer_id.0,
                policy_id: issued.policy_id.0,
                product_id: issued.product_id.0,
                key_masked: issued.key_masked.clone(),
                standing: "active".to_owned(),
                seats: seats(&issued.overrides),
                active: 0,
                valid_from: issued.valid_from.into(),
                expires_at: issued.expires_at.map(Into::into),
                expiry_noted: false,
                features,
                limits,
                note_sealed: issued.note.as_ref().map(|note| note.0.clone()),
                issued_at: issued.at.into(),
                position,
            });
        }
        let mut row = row?;
        row.position = position;
        row.fold(&event);
        Some(row)
    }

    fn begins(event: &Event) -> bool {
        matches!(event.event, LicenseEvent::Issued(_))
    }

    fn load<'a>(connection: &'a mut PgConnection, keys: &'a [Uuid]) -> BoxFuture<'a, sqlx::Result<Vec<(Uuid, Row)>>> {
        Box::pin(async move {
            let rows = sqlx::query_as!(Row, "SELECT license_state.* FROM unnest($1::uuid[]) AS wanted (id) JOIN license_state ON license_id = wanted.id",
                keys
            )
                .fetch_all(connection)
                .await?;
            Ok(rows.into_iter().map(|row| (row.license_id, row)).collect())
        })
    }

    fn store(connection: &mut PgConnection, rows: Vec<Row>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(store(connection, rows))
    }

    fn copy(rows: &[Row]) -> sqlx::Result<Option<CopyRows>> {
        copy_rows!(
            rows,
            tenant_id,
            license_id,
            customer_id,
            policy_id,
            product_id,
            key_masked,
            standing,
            seats,
            active,
            valid_from,
            expires_at,
            expiry_noted,
            features,
            limits,
            note_sealed,
            issued_at,
            position
        )
    }
}

impl Row {
    fn fold(&mut self, event: &LicenseEvent) {
        match event {
            LicenseEvent::Issued(_)
            | LicenseEvent::KeyRevealed(_)
            | LicenseEvent::LimitCrossed(_)
            | LicenseEvent::CheckedOut(_) => {}
            LicenseEvent::Edited(event) => {
                (self.features, self.limits) = overrides(&event.overrides);
                self.seats = seats(&event.overrides);
                let end = event.expires_at.map(Into::into);
                self.expiry_noted &= self.expires_at == end;
                (self.valid_from, self.expires_at) = (event.valid_from.into(), end);
                self.note_sealed = event.note.as_ref().map(|note| note.0.clone());
            }
            LicenseEvent::Activated(_) | LicenseEvent::SeatRevived(_) => self.active += 1,
            LicenseEvent::SeatReleased(_) => self.active -= 1,
            // A silent machine's seat was free already.
            LicenseEvent::Deactivated(event) => self.active -= i32::from(!event.silent),
            LicenseEvent::Started(event) => self.expires_at = Some(event.expires_at.into()),
            LicenseEvent::Suspended(_) => "suspended".clone_into(&mut self.standing),
            LicenseEvent::Resumed(_) => "active".clone_into(&mut self.standing),
            LicenseEvent::Revoked(_) => "revoked".clone_into(&mut self.standing),
            LicenseEvent::Retired(_) => "retired".clone_into(&mut self.standing),
            LicenseEvent::Expired(_) => self.expiry_noted = true,
            LicenseEvent::Renewed(event) => {
                let end: Timestamp = event.expires_at;
                (self.expires_at, self.expiry_noted) = (Some(end.into()), false);
            }
        }
    }
}

fn seats(overrides: &Overrides) -> Option<i32> {
    overrides.seats.and_then(|seats| i32::try_from(seats).ok())
}

fn overrides(overrides: &Overrides) -> (String, String) {
    let text = "maps with string keys always encode";
    (
        serde_json::to_string(&overrides.features).expect(text),
        serde_json::to_string(&overrides.limits).expect(text),
    )
}

async fn store(connection: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO license_state (tenant_id, license_id, customer_id, policy_id, product_id, key_masked, standing, seats,
               active, valid_from, expires_at, expiry_noted, features, limits, note_sealed, issued_at, position)
           SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::integer[],
               $9::integer[], $10::timestamptz[], $11::timestamptz[], $12::boolean[], $13::text[], $14::text[], $15::text[],
               $16::timestamptz[], $17::bigint[])
           ON CONFLICT (license_id) DO UPDATE SET standing = excluded.standing, seats = excluded.seats,
               active = excluded.active, valid_from = excluded.valid_from, expires_at = excluded.expires_at,
               expiry_noted = excluded.expiry_noted, features = excluded.features, limits = excluded.limits,
               note_sealed = excluded.note_sealed, position = excluded.position"#,
        &column!(rows, tenant_id),
        &column!(rows, license_id),
        &column!(rows, customer_id),
        &column!(rows, policy_id),
        &column!(rows, product_id),
        &column!(rows, key_masked),
        &column!(rows, standing),
        &column!(rows, seats) as &[Option<i32>],
        &column!(rows, active),
        &column!(rows, valid_from),
        &column!(rows, expires_at) as &[Option<OffsetDateTime>],
        &column!(rows, expiry_noted),
        &column!(rows, features),
        &column!(rows, limits),
        &column!(rows, note_sealed) as &[Option<String>],
        &column!(rows, issued_at),
        &column!(rows, position),
    )
    .execute(connection)
    .await?;
    Ok(())
}
