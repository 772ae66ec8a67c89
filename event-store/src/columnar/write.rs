//! Writing.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{StreamExt as _, TryStreamExt as _};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};
use sqlx::PgConnection;

use crate::Tenant;

use super::{Column, Failure, GROUP, Group, Kind, Values, columns_of, select};

/// A file that is being written.
pub struct Writer<W: Write + Send = File>(SerializedFileWriter<W>);

impl<W: Write + Send> Writer<W> {
    /// Begins a file that goes somewhere.
    pub fn begin(target: W, name: &str, columns: &[Column]) -> Result<Self, Failure> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(target, schema(name, columns)?, Arc::new(properties))?;
        Ok(Self(file))
    }

    /// Adds rows.
    pub fn write(&mut self, group: &Group) -> Result<(), Failure> {
        let mut writer = self.0.next_row_group()?;
        for values in &group.0 {
            let Some(mut column) = writer.next_column()? else {
                return Err("there are more columns than the file has".into());
            };
            match values {
                Values::Text(texts) => {
                    let bytes = |text: &String| ByteArray::from(text.clone().into_bytes());
                    put::<ByteArrayType, _>(&mut column, texts, bytes)?;
                }
                Values::Integer(numbers) | Values::Time(numbers) => {
                    put::<Int64Type, _>(&mut column, numbers, |number| *number)?;
                }
                Values::Boolean(truths) => put::<BoolType, _>(&mut column, truths, |truth| *truth)?,
            }
            column.close()?;
        }
        writer.close()?;
        Ok(())
    }

    /// Ends the file.
    pub fn end(self) -> Result<W, Failure> {
        Ok(self.0.into_inner()?)
    }
}

impl Writer {
    /// Begins a file on the disk; what was there is overwritten.
    pub fn create(path: &Path, name: &str, columns: &[Column]) -> Result<Self, Failure> {
        Self::begin(File::create(path)?, name, columns)
    }

    /// Makes sure that what was added is on the disk: a little each time holds up others less than all of it at the end.
    pub fn sync(&mut self) -> Result<(), Failure> {
        self.0.flush()?;
        self.0.inner().sync_data()?;
        Ok(())
    }

    /// Ends the file; it is on the disk, not only on its way there.
    pub fn finish(self) -> Result<(), Failure> {
        self.end()?.sync_all()?;
        Ok(())
    }
}

/// Bytes that one writes and another takes away meanwhile: a file on its way to a client.
#[derive(Debug, Clone, Default)]
pub struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    /// What was written since the last time.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn put<P: DataType, V>(
    column: &mut SerializedColumnWriter<'_>,
    values: &[Option<V>],
    convert: impl Fn(&V) -> P::T,
) -> Result<(), Failure> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<P::T> = values.iter().flatten().map(convert).collect();
    column.typed::<P>().write_batch(&present, Some(&levels), None)?;
    Ok(())
}

fn schema(name: &str, columns: &[Column]) -> Result<Arc<Type>, Failure> {
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
    Ok(Arc::new(Type::group_type_builder(name).with_fields(fields).build()?))
}

/// Streams a table into a file, one tenant's rows or everybody's, so that equal tables give equal files; answers how many
/// rows.
pub async fn write(
    connection: &mut PgConnection,
    (table, tenant): (&str, Option<&Tenant>),
    path: &Path,
) -> Result<u64, Failure> {
    let columns = columns_of(connection, table).await?;
    let mut writer = Writer::create(path, table, &columns)?;
    let statement = select(table, &columns);
    let rows = sqlx::query(&statement)
        .bind(tenant.map(Tenant::as_str))
        .fetch(connection);
    let mut groups = rows.try_chunks(GROUP);
    let mut count = 0;
    while let Some(rows) = groups.next().await {
        let rows = rows.map_err(|broken| broken.1)?;
        count += rows.len() as u64;
        writer.write(&Group::of(&rows, &columns)?)?;
    }
    writer.finish()?;
    Ok(count)
}
