//! The log's rows in a segment: read back as they were.

use std::{path::PathBuf, sync::Arc};

use futures::{Stream, TryStreamExt as _, stream::try_unfold};
use time::OffsetDateTime;

use super::{Segment, keep::hash_file};
use crate::{
    EventLog, ReadError, RecordedEvent, RecordedRow,
    columnar::{Column, Failure, Group, Kind, Reader, Values},
};

/// The envelope's columns, in order. The chain is left out: it follows from the manifest's and the rows.
pub(super) fn columns() -> Vec<Column> {
    [
        ("position", Kind::Integer),
        ("aggregate_type", Kind::Text),
        ("aggregate_id", Kind::Text),
        ("sequence", Kind::Integer),
        ("event_type", Kind::Text),
        ("event_version", Kind::Text),
        ("payload", Kind::Text),
        ("metadata", Kind::Text),
        ("tenant_id", Kind::Text),
        ("command_id", Kind::Text),
        ("command_index", Kind::Integer),
        ("recorded_at", Kind::Time),
    ]
    .map(|(name, kind)| Column::new(name, kind))
    .into()
}

const POSITION: usize = 0;
const RECORDED_AT: usize = 11;

/// A moment from microseconds since 1970.
pub(super) fn moment(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn column(columns: &[Column], name: &str) -> Result<usize, Failure> {
    let found = columns.iter().position(|column| column.name == name);
    found.ok_or_else(|| format!("there is no column {name}").into())
}

fn numbers(group: &Group, column: usize) -> Result<impl Iterator<Item = i64> + '_, Failure> {
    match group.0.get(column) {
        Some(Values::Integer(numbers) | Values::Time(numbers)) => Ok(numbers.iter().map(|number| number.unwrap_or(0))),
        _ => Err("a column has another type".into()),
    }
}

/// Position and moment of each row.
pub(super) fn places(group: &Group, columns: &[Column]) -> Result<Vec<(i64, i64)>, Failure> {
    let (position, recorded_at) = (column(columns, "position")?, column(columns, "recorded_at")?);
    Ok(numbers(group, position)?.zip(numbers(group, recorded_at)?).collect())
}

/// The events of a group, in order.
pub(super) fn events(group: &Group) -> Result<Vec<RecordedEvent>, Failure> {
    let text = |column: usize, row: usize| match group.0.get(column) {
        Some(Values::Text(texts)) => texts[row].clone().ok_or_else(|| Failure::from("a text is missing")),
        _ => Err("a column has another type".into()),
    };
    let number = |column: usize, row: usize| match group.0.get(column) {
        Some(Values::Integer(numbers) | Values::Time(numbers)) => {
            numbers[row].ok_or_else(|| Failure::from("a number is missing"))
        }
        _ => Err("a column has another type".into()),
    };
    let event = |row: usize| {
        Ok(RecordedEvent {
            position: number(POSITION, row)?,
            aggregate_type: text(1, row)?,
            aggregate_id: text(2, row)?,
            sequence: number(3, row)?,
            event_type: text(4, row)?,
            event_version: text(5, row)?,
            payload: text(6, row)?,
            metadata: text(7, row)?,
            tenant_id: text(8, row)?,
            command_id: text(9, row)?.parse()?,
            command_index: i32::try_from(number(10, row)?)?,
            recorded_at: moment(number(RECORDED_AT, row)?),
        })
    };
    (0..group.rows()).map(event).collect()
}

/// Where a segment's file is; none where it is not at hand.
pub fn file(log: &EventLog, segment: &Segment) -> Option<PathBuf> {
    let path = log.archive()?.join(&segment.file);
    path.is_file().then_some(path)
}

fn untrusted(segment: &Segment) -> impl Fn(Failure) -> ReadError + use<> {
    let file = segment.file.clone();
    move |cause| ReadError::Segment {
        file: file.clone(),
        cause: cause.to_string(),
    }
}

/// Makes sure that the file is the one that the catalog names.
pub(crate) async fn check_file(log: &EventLog, segment: &Segment) -> Result<PathBuf, ReadError> {
    let path = file(log, segment).ok_or_else(|| ReadError::NotAtHand(segment.file.clone()))?;
    let hashed = blocking(path.clone(), hash_file).await;
    let (sha256, _) = hashed.map_err(untrusted(segment))?;
    if sha256 != segment.sha256 {
        return Err(untrusted(segment)("the file is not the one that was written".into()));
    }
    Ok(path)
}

/// Runs what blocks beside the tasks that answer.
pub(super) async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&std::path::Path) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(move || work(&path)).await?
}

/// The events of a segment between two positions, in order; the file is checked first.
pub(crate) fn stream(
    log: &EventLog,
    segment: Segment,
    stretch: (i64, i64),
) -> impl Stream<Item = Result<RecordedRow, ReadError>> + Send + '_ {
    let groups = try_unfold((segment, None, 0), move |(segment, reader, group)| async move {
        let reader = match reader {
            Some(reader) => reader,
            None => open(log, &segment).await?,
        };
        if group == reader.groups() {
            return Ok::<_, ReadError>(None);
        }
        let rows = read_group(&reader, group, stretch).await;
        let rows = rows.map_err(untrusted(&segment))?;
        let rows = futures::stream::iter(rows.into_iter().map(Ok::<_, ReadError>));
        Ok(Some((rows, (segment, Some(reader), group + 1))))
    });
    groups.try_flatten()
}

async fn open(log: &EventLog, segment: &Segment) -> Result<Arc<Reader>, ReadError> {
    let path = check_file(log, segment).await?;
    let reader = blocking(path, |path| Reader::open(path, &columns())).await;
    reader.map(Arc::new).map_err(untrusted(segment))
}

async fn read_group(
    reader: &Arc<Reader>,
    group: usize,
    (after, until): (i64, i64),
) -> Result<Vec<RecordedRow>, Failure> {
    let beside = |(first, last): (i64, i64)| last <= after || first > until;
    if reader.bounds(group, POSITION).is_some_and(beside) {
        return Ok(Vec::new());
    }
    let reader = Arc::clone(reader);
    let events = tokio::task::spawn_blocking(move || events(&reader.read(group)?)).await??;
    let within = events
        .into_iter()
        .filter(|event| event.position > after && event.position <= until);
    Ok(within.map(RecordedRow::archived).collect())
}

/// The last position of a segment that was recorded up to a moment.
pub(crate) async fn last_until(log: &EventLog, segment: &Segment, until: OffsetDateTime) -> Result<i64, ReadError> {
    let until = crate::columnar::micros(until);
    let path = check_file(log, segment).await?;
    let found = blocking(path, move |path| {
        let reader = Reader::open(path, &columns())?;
        for group in (0..reader.groups()).rev() {
            if reader
                .bounds(group, RECORDED_AT)
                .is_some_and(|(first, _)| first > until)
            {
                continue;
            }
            let places = places(&reader.read(group)?, &columns())?;
            let before = places.into_iter().take_while(|(_, at)| *at <= until);
            if let Some((position, _)) = before.last() {
                return Ok(position);
            }
        }
        Ok(0)
    });
    found.await.map_err(untrusted(segment))
}
