//! CSV files.

use std::path::Path;

use futures::TryStreamExt as _;
use licet_event_store::{
    Tenant,
    columnar::{Column, Kind, columns_of, select},
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use time::{OffsetDateTime, UtcOffset};

/// Streams a table into a file; answers how many rows.
pub(super) async fn write(
    connection: &mut PgConnection,
    (table, tenant): (&str, Option<&Tenant>),
    path: &Path,
) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let columns = columns_of(connection, table).await?;
    // RFC 4180.
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_path(path)?;
    writer.write_record(columns.iter().map(|column| &column.name))?;
    let statement = select(table, &columns);
    let whose = tenant.map(Tenant::as_str);
    let mut rows = sqlx::query(&statement).bind(whose).fetch(connection);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        for (index, column) in columns.iter().enumerate() {
            writer.write_field(text(&row, index, column)?)?;
        }
        writer.write_record(None::<&[u8]>)?;
        count += 1;
    }
    writer.flush()?;
    Ok(count)
}

fn text(row: &PgRow, index: usize, column: &Column) -> sqlx::Result<String> {
    Ok(match column.kind {
        Kind::Text => row.try_get::<Option<String>, _>(index)?.map(inert),
        Kind::Integer => row.try_get::<Option<i64>, _>(index)?.map(|number| number.to_string()),
        Kind::Boolean => row.try_get::<Option<bool>, _>(index)?.map(|truth| truth.to_string()),
        Kind::Time => row.try_get::<Option<OffsetDateTime>, _>(index)?.map(written),
    }
    .unwrap_or_default())
}

/// A moment in UTC to the microsecond, which is what the database and Parquet have.
fn written(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{date}T{:02}:{:02}:{:02}.{:06}Z",
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond()
    )
}

/// Programs for spreadsheets take a cell with such a beginning for a formula; an apostrophe makes it text, and is not shown.
/// Where apostrophes stand in front of it already, one more: so the first one can be taken away again.
pub fn inert(text: String) -> String {
    if text
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
    {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_six_decimals() {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(1_800_000_000_000_001_000).unwrap();
        assert_eq!(written(moment), "2027-01-15T08:00:00.000001Z");
        assert_eq!(written(OffsetDateTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+43 1", "-", "@SUM(A1)", "\t=1"] {
            assert_eq!(inert(text.to_owned()), format!("'{text}"));
        }
        assert_eq!(inert("'=1".to_owned()), "''=1", "as it was, once one is taken away");
        assert_eq!(inert("'t Hof".to_owned()), "'t Hof");
        assert_eq!(inert("Müller = Sohn".to_owned()), "Müller = Sohn");
    }
}
