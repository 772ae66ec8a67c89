//! The columns of a table, as exports need them.

use sqlx::{PgConnection, Row as _};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, JSON and UUIDs.
    Text,
    /// Whole numbers.
    Integer,
    /// Truth values.
    Boolean,
    /// Moments.
    Time,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The columns of a table that the search path names, in order.
pub(super) async fn of(connection: &mut PgConnection, table: &str) -> sqlx::Result<Vec<Column>> {
    let rows = sqlx::query(
        "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(table)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let kind = match row.try_get::<&str, _>(1)? {
                "bigint" | "integer" => Kind::Integer,
                "boolean" => Kind::Boolean,
                "timestamp with time zone" => Kind::Time,
                _ => Kind::Text,
            };
            Ok(Column {
                name: row.try_get(0)?,
                kind,
            })
        })
        .collect()
}

/// Reads every column as one of four types, ordered by the whole row, so that equal histories give equal files.
pub(super) fn select(table: &str, columns: &[Column]) -> String {
    let expressions: Vec<String> = columns
        .iter()
        .map(|column| match column.kind {
            Kind::Text => format!("{}::text", column.name),
            Kind::Integer => format!("{}::bigint", column.name),
            Kind::Boolean | Kind::Time => column.name.clone(),
        })
        .collect();
    format!("SELECT {} FROM {table} ORDER BY {table}", expressions.join(", "))
}
