//! Reading.

use std::{fs::File, path::Path};

use parquet::{
    column::reader::ColumnReader,
    file::{
        reader::{FileReader as _, SerializedFileReader},
        statistics::Statistics,
    },
};

use super::{Column, Failure, Group, Kind, Values};

/// A file that was written here.
pub struct Reader {
    file: SerializedFileReader<File>,
    columns: Vec<Column>,
}

impl Reader {
    /// Opens a file that has these columns.
    pub fn open(path: &Path, columns: &[Column]) -> Result<Self, Failure> {
        let file = SerializedFileReader::new(File::open(path)?)?;
        let found = file.metadata().file_metadata().schema_descr();
        let names: Vec<&str> = found.columns().iter().map(|column| column.name()).collect();
        if !columns
            .iter()
            .map(|column| column.name.as_str())
            .eq(names.iter().copied())
        {
            return Err(format!("the file has other columns: {}", names.join(", ")).into());
        }
        Ok(Self {
            file,
            columns: columns.to_vec(),
        })
    }

    /// How many groups of rows.
    pub fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// The least and the greatest of a group's numbers or moments in one column, where the file says so.
    pub fn bounds(&self, group: usize, column: usize) -> Option<(i64, i64)> {
        match self.file.metadata().row_group(group).column(column).statistics()? {
            Statistics::Int64(known) => Some((*known.min_opt()?, *known.max_opt()?)),
            _ => None,
        }
    }

    /// Reads a group of rows.
    pub fn read(&self, group: usize) -> Result<Group, Failure> {
        let group = self.file.get_row_group(group)?;
        let count = usize::try_from(group.metadata().num_rows())?;
        let columns = self.columns.iter().enumerate();
        let values = columns.map(|(index, column)| read_column(group.get_column_reader(index)?, column.kind, count));
        values.collect::<Result<_, Failure>>().map(Group)
    }
}

fn read_column(reader: ColumnReader, kind: Kind, count: usize) -> Result<Values, Failure> {
    macro_rules! take {
        ($reader:expr, $convert:expr) => {{
            let (mut levels, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
            $reader.read_records(count, Some(&mut levels), None, &mut values)?;
            if levels.len() != count {
                return Err("the file ends early".into());
            }
            let mut values = values.into_iter().map($convert);
            let placed = levels.iter().map(|level| match level {
                0 => Ok(None),
                _ => values.next().ok_or("a value is missing")?.map(Some),
            });
            placed.collect::<Result<Vec<_>, Failure>>()?
        }};
    }
    Ok(match (reader, kind) {
        (ColumnReader::ByteArrayColumnReader(mut reader), Kind::Text) => {
            Values::Text(take!(reader, |bytes| Ok(String::from_utf8(bytes.data().to_vec())?)))
        }
        (ColumnReader::Int64ColumnReader(mut reader), Kind::Integer) => Values::Integer(take!(reader, Ok)),
        (ColumnReader::Int64ColumnReader(mut reader), Kind::Time) => Values::Time(take!(reader, Ok)),
        (ColumnReader::BoolColumnReader(mut reader), Kind::Boolean) => Values::Boolean(take!(reader, Ok)),
        _ => return Err("a column has another type".into()),
    })
}
