//! Rows of a query as Parquet files, and back: what exports and the archive are made of.
//!
//! By the format's own column writers and readers: the arrow crates would double the build for nothing.

mod read;
mod write;

pub use read::Reader;
pub use write::{SharedBuffer, Writer, write};

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use time::OffsetDateTime;

/// Rows in one row group, and so in memory.
pub const GROUP: usize = 50_000;

/// Why a file could not be written or read.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, JSON and UUIDs.
    Text,
    /// Whole numbers.
    Integer,
    /// Truth values.
    Boolean,
    /// Moments, to the microsecond.
    Time,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

impl Column {
    /// Names a column.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
        }
    }

    /// How a query asks for it, as one of the four types. `::text` hands json out as the exact bytes that were stored.
    fn expression(&self) -> String {
        match self.kind {
            Kind::Text => format!("{}::text", self.name),
            Kind::Integer => format!("{}::bigint", self.name),
            Kind::Boolean | Kind::Time => self.name.clone(),
        }
    }
}

/// The columns of a table, in order.
pub async fn columns_of(connection: &mut PgConnection, table: &str) -> sqlx::Result<Vec<Column>> {
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
            Ok(Column::new(row.try_get(0)?, kind))
        })
        .collect()
}

/// How a query asks for these columns.
pub(crate) fn expressions(columns: &[Column]) -> String {
    columns.iter().map(Column::expression).collect::<Vec<_>>().join(", ")
}

/// Asks a table for these columns of one tenant's rows (`$1`), or of everybody's where that is null; ordered by the whole
/// row, so that equal tables are read equally.
pub fn select(table: &str, columns: &[Column]) -> String {
    let wanted = expressions(columns);
    format!("SELECT {wanted} FROM {table} WHERE $1::text IS NULL OR tenant_id = $1 ORDER BY {table}")
}

/// One column of a group of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Of [`Kind::Text`].
    Text(Vec<Option<String>>),
    /// Of [`Kind::Integer`].
    Integer(Vec<Option<i64>>),
    /// Of [`Kind::Boolean`].
    Boolean(Vec<Option<bool>>),
    /// Of [`Kind::Time`], in microseconds since 1970.
    Time(Vec<Option<i64>>),
}

/// A group of rows, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group(pub Vec<Values>);

/// A moment in microseconds since 1970.
pub fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

impl Group {
    /// Takes rows that [`select`] asked for.
    pub fn of(rows: &[PgRow], columns: &[Column]) -> sqlx::Result<Self> {
        macro_rules! column {
            ($rust:ty, $index:expr) => {
                rows.iter().map(|row| row.try_get::<Option<$rust>, _>($index))
            };
        }
        let values = columns.iter().enumerate().map(|(index, column)| {
            Ok(match column.kind {
                Kind::Text => Values::Text(column!(String, index).collect::<sqlx::Result<_>>()?),
                Kind::Integer => Values::Integer(column!(i64, index).collect::<sqlx::Result<_>>()?),
                Kind::Boolean => Values::Boolean(column!(bool, index).collect::<sqlx::Result<_>>()?),
                Kind::Time => {
                    let moments = column!(OffsetDateTime, index);
                    Values::Time(
                        moments
                            .map(|moment| Ok(moment?.map(micros)))
                            .collect::<sqlx::Result<_>>()?,
                    )
                }
            })
        });
        values.collect::<sqlx::Result<_>>().map(Self)
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |column| match column {
            Values::Text(values) => values.len(),
            Values::Integer(values) | Values::Time(values) => values.len(),
            Values::Boolean(values) => values.len(),
        })
    }

    /// Adds every value to a hash: equal hashes, equal rows in equal groups.
    pub fn digest(&self, hash: &mut Sha256) {
        fn all<T>(hash: &mut Sha256, values: &[Option<T>], bytes: impl Fn(&T) -> Vec<u8>) {
            for value in values {
                match value.as_ref().map(&bytes) {
                    Some(bytes) => {
                        hash.update((bytes.len() as u64 + 1).to_be_bytes());
                        hash.update(bytes);
                    }
                    None => hash.update(0u64.to_be_bytes()),
                }
            }
        }
        for column in &self.0 {
            match column {
                Values::Text(values) => all(hash, values, |text| text.as_bytes().to_vec()),
                Values::Integer(values) | Values::Time(values) => {
                    all(hash, values, |number| number.to_be_bytes().to_vec());
                }
                Values::Boolean(values) => all(hash, values, |truth| vec![u8::from(*truth)]),
            }
        }
    }
}
