//! New rows on their way into a table by `COPY`, which takes a third of the time of an `INSERT … ON CONFLICT`.

use sqlx::{Encode, PgConnection, Postgres, encode::IsNull, error::BoxDynError, postgres::PgArgumentBuffer};

/// Rows in the binary form of `COPY`: a header, and for each row the number of its values and each value behind its
/// length (PostgreSQL's documentation, "COPY", "Binary Format").
pub(crate) struct CopyRows {
    columns: &'static [&'static str],
    buffer: PgArgumentBuffer,
}

impl CopyRows {
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        let mut buffer = PgArgumentBuffer::default();
        buffer.extend(b"PGCOPY\n\xff\r\n\0");
        // Neither flags nor an extension of the header.
        buffer.extend([0; 8]);
        Self { columns, buffer }
    }

    /// Begins a row; one value for each column follows.
    pub(crate) fn begin_row(&mut self) {
        self.buffer.extend((self.columns.len() as i16).to_be_bytes());
    }

    /// Adds a value of its column's very type: the server converts none.
    pub(crate) fn value<'v>(&mut self, value: impl Encode<'v, Postgres>) -> Result<(), BoxDynError> {
        let at = self.buffer.len();
        self.buffer.extend((-1i32).to_be_bytes());
        if let IsNull::No = value.encode(&mut self.buffer)? {
            let length = i32::try_from(self.buffer.len() - at - 4)?;
            self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }

    /// Writes them into a table that the search path names. A row that is there already is an error.
    pub(super) async fn send(mut self, connection: &mut PgConnection, table: &str) -> sqlx::Result<()> {
        self.buffer.extend((-1i16).to_be_bytes());
        let statement = format!(
            "COPY {table} ({}) FROM STDIN WITH (FORMAT binary)",
            self.columns.join(", ")
        );
        let mut copy = connection.copy_in_raw(&statement).await?;
        copy.send(self.buffer.as_slice()).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// Rows for `COPY` whose fields are called as their columns are.
macro_rules! copy_rows {
    ($rows:expr, $($field:ident),+ $(,)?) => {{
        let mut copied = $crate::runtime::CopyRows::new(&[$(stringify!($field)),+]);
        for row in $rows {
            copied.begin_row();
            $(copied.value(&row.$field).map_err(sqlx::Error::Encode)?;)+
        }
        Ok(Some(copied))
    }};
}

/// One field of every row, as a statement's array.
macro_rules! column {
    ($rows:expr, $field:ident) => {
        $rows.iter().map(|row| row.$field.clone()).collect::<Vec<_>>()
    };
}

pub(crate) use {column, copy_rows};
