//! How a list is written as a file: head, rows and end.

use std::io::{Error, Result};

use licet_event_store::columnar::{Column, Group, Kind, SharedBuffer, Values, Writer, micros};
use licet_projections::inert;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Rows of a group in a Parquet file.
const GROUP: usize = 2_000;

/// A file that is being written.
pub(super) enum File {
    Csv { delimiter: u8, dialect: Dialect },
    Parquet(Box<Parquet>),
}

/// How cells of a CSV file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Rfc4180,
    /// What a German Excel opens by a double click.
    ExcelDe,
}

impl File {
    pub(super) fn csv(dialect: Dialect) -> Self {
        let delimiter = if dialect == Dialect::ExcelDe { b';' } else { b',' };
        Self::Csv { delimiter, dialect }
    }

    pub(super) fn parquet(name: &str, columns: &[Column]) -> Result<Self> {
        let bytes = SharedBuffer::default();
        let writer = Writer::begin(bytes.clone(), name, columns).map_err(Error::other)?;
        Ok(Self::Parquet(Box::new(Parquet {
            bytes,
            writer,
            rows: Vec::new(),
        })))
    }

    /// What its name ends in.
    pub(super) const fn ending(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Parquet(_) => "parquet",
        }
    }

    pub(super) const fn content_type(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "text/csv; charset=utf-8; header=present",
            Self::Parquet(_) => "application/vnd.apache.parquet",
        }
    }

    /// What stands before any row.
    pub(super) fn head(&mut self, columns: &[Column]) -> Result<Vec<u8>> {
        match self {
            Self::Csv { delimiter, dialect } => {
                let names = columns.iter().map(|column| column.name.clone());
                let mut head = record(*delimiter, names)?;
                if *dialect == Dialect::ExcelDe {
                    head.splice(0..0, *b"\xef\xbb\xbf");
                }
                Ok(head)
            }
            Self::Parquet(_) => Ok(Vec::new()),
        }
    }

    /// Further rows, or some of those before, as far as they are written already.
    pub(super) fn rows(&mut self, columns: &[Column], items: &[Value]) -> Result<Vec<u8>> {
        match self {
            Self::Csv { delimiter, dialect } => {
                let mut rows = Vec::new();
                for item in items {
                    let cells = columns.iter().map(|column| cell(&item[&column.name], *dialect));
                    rows.extend(record(*delimiter, cells)?);
                }
                Ok(rows)
            }
            Self::Parquet(parquet) => {
                parquet.rows.extend_from_slice(items);
                if parquet.rows.len() >= GROUP {
                    parquet.write(columns)?;
                }
                Ok(parquet.bytes.take())
            }
        }
    }

    /// What stands after all rows.
    pub(super) fn end(self, columns: &[Column]) -> Result<Vec<u8>> {
        match self {
            Self::Csv { .. } => Ok(Vec::new()),
            Self::Parquet(mut parquet) => {
                parquet.write(columns)?;
                parquet.writer.end().map_err(Error::other)?;
                Ok(parquet.bytes.take())
            }
        }
    }
}

fn record(delimiter: u8, cells: impl Iterator<Item = String>) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .delimiter(delimiter)
        .from_writer(Vec::new());
    writer.write_record(cells.collect::<Vec<_>>())?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn cell(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text.clone()),
        Value::Number(number) if dialect == Dialect::ExcelDe => number.to_string().replace('.', ","),
        other => other.to_string(),
    }
}

/// A Parquet file: rows wait until they make a group.
pub(super) struct Parquet {
    bytes: SharedBuffer,
    writer: Writer<SharedBuffer>,
    rows: Vec<Value>,
}

impl Parquet {
    fn write(&mut self, columns: &[Column]) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let values = columns.iter().map(|column| values(&rows, column));
        let group = Group(values.collect::<Result<_>>()?);
        self.writer.write(&group).map_err(Error::other)
    }
}

/// A column of some rows; a value that is not what the description says breaks the file off.
fn values(rows: &[Value], column: &Column) -> Result<Values> {
    fn all<T>(rows: &[Value], column: &Column, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<Option<T>>> {
        let value = |row: &Value| match &row[&column.name] {
            Value::Null => Ok(None),
            value => {
                let unread = || Error::other(format!("{} is not what was described: {value}", column.name));
                read(value).map(Some).ok_or_else(unread)
            }
        };
        rows.iter().map(value).collect()
    }
    let moment = |value: &Value| Some(micros(OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?));
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(match column.kind {
        Kind::Integer => Values::Integer(all(rows, column, Value::as_i64)?),
        Kind::Boolean => Values::Boolean(all(rows, column, Value::as_bool)?),
        Kind::Time => Values::Time(all(rows, column, moment)?),
        Kind::Text => Values::Text(all(rows, column, text)?),
    })
}
