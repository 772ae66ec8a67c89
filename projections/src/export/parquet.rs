//! Parquet files, by the format's own column writers: the arrow crates would double the build for nothing.

use std::{fs::File, path::Path, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use time::OffsetDateTime;

use super::columns::{self, Column, Kind};

/// Rows in one row group, and so in memory.
const GROUP: usize = 50_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Streams a table into a file; answers how many rows.
pub(super) async fn write(connection: &mut PgConnection, table: &str, path: &Path) -> Result<u64, Failure> {
    let columns = columns::of(connection, table).await?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(File::create(path)?, schema(table, &columns)?, Arc::new(properties))?;
    let statement = columns::select(table, &columns);
    let mut groups = sqlx::query(&statement).fetch(connection).try_chunks(GROUP);
    let mut count = 0;
    while let Some(rows) = groups.next().await {
        let rows = rows.map_err(|broken| broken.1)?;
        count += rows.len() as u64;
        let mut group = writer.next_row_group()?;
        for (index, column) in columns.iter().enumerate() {
            write_column(&mut group, &rows, index, column)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(count)
}

fn schema(table: &str, columns: &[Column]) -> Result<Arc<Type>, Failure> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Boolean => (Physical::BOOLEAN, None),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        let field = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
        field.with_logical_type(logical).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder(table).with_fields(fields).build()?))
}

fn write_column(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[PgRow],
    index: usize,
    column: &Column,
) -> Result<(), Failure> {
    let Some(mut writer) = group.next_column()? else {
        return Ok(());
    };
    macro_rules! write_as {
        ($parquet:ty, $rust:ty, $convert:expr) => {{
            let values = rows
                .iter()
                .map(|row| row.try_get::<Option<$rust>, _>(index))
                .collect::<Result<Vec<_>, _>>()?;
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let present: Vec<_> = values.into_iter().flatten().map($convert).collect();
            writer.typed::<$parquet>().write_batch(&present, Some(&levels), None)?;
        }};
    }
    match column.kind {
        Kind::Text => write_as!(ByteArrayType, String, |text: String| ByteArray::from(text.into_bytes())),
        Kind::Integer => write_as!(Int64Type, i64, |number: i64| number),
        Kind::Boolean => write_as!(BoolType, bool, |truth: bool| truth),
        Kind::Time => write_as!(Int64Type, OffsetDateTime, |time: OffsetDateTime| {
            i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
        }),
    }
    writer.close()?;
    Ok(())
}
