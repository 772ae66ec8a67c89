//! The three tables as one walk, through the archive and online, each link checked on the way.

use std::{collections::VecDeque, pin::Pin};

use ed25519_dalek::VerifyingKey;
use futures::{Stream, TryStreamExt as _};

use super::Fault;
use crate::{
    EventLog, LogTable, ReadError, RecordedRow,
    archive::{self, Segment},
    chain::{self, GENESIS, Link},
    epochs::Epochs,
    read,
};

/// What came next.
pub(super) enum Step {
    /// An event that holds, by its position.
    Event(i64),
    /// A month of the archive was begun; its file's name where it is not at hand.
    Segment(Option<String>),
    /// Something does not hold.
    Fault(Fault),
    /// There is no more.
    End,
}

type Rows<'a> = Pin<Box<dyn Stream<Item = Result<RecordedRow, ReadError>> + Send + 'a>>;

/// One table.
struct Table<'a> {
    name: LogTable,
    /// Months of the archive that are still to come; then what is online.
    segments: VecDeque<Segment>,
    /// What is online after them, once it was begun.
    online: Option<(i64, i64)>,
    /// The month that rows come from; none when they are online.
    begun: Option<Segment>,
    rows: Rows<'a>,
    next: Option<RecordedRow>,
    chain: Link,
    /// Up to where the chain is not known, because a month is not at hand.
    dark_until: i64,
}

impl<'a> Table<'a> {
    async fn begin(log: &'a EventLog, name: LogTable, head: i64) -> Result<Self, ReadError> {
        let segments: VecDeque<Segment> = archive::segments_of(log.pool(), name).await?.into();
        let archived = segments.back().map_or(0, |last| last.last_position);
        let mut table = Self {
            name,
            segments,
            online: Some((archived, head)),
            begun: None,
            rows: Box::pin(futures::stream::empty()),
            next: None,
            chain: GENESIS,
            dark_until: 0,
        };
        table.advance(log).await?;
        Ok(table)
    }

    /// Fetches the next row; behind the last month it is online.
    async fn advance(&mut self, log: &'a EventLog) -> Result<(), ReadError> {
        self.next = self.rows.try_next().await?;
        if self.next.is_none()
            && self.segments.is_empty()
            && let Some(stretch) = self.online.take()
        {
            let rows = read::stream_table(log.pool(), self.name, stretch, i64::MAX);
            self.rows = Box::pin(rows.map_err(ReadError::from));
            self.next = self.rows.try_next().await?;
        }
        Ok(())
    }

    /// The position of what comes next.
    fn place(&self) -> Result<Option<i64>, ReadError> {
        match &self.next {
            Some(row) => Ok(Some(row.position()?)),
            None => Ok(self.segments.front().map(|segment| segment.first_position)),
        }
    }
}

pub(super) struct Walk<'a> {
    log: &'a EventLog,
    epochs: &'a Epochs,
    keys: &'a [VerifyingKey],
    tables: [Table<'a>; 3],
    position: i64,
    /// First and last position, and how many events, of months that are not at hand.
    absent: Vec<(i64, i64, i64)>,
    /// How many positions were missing within those.
    missing: i64,
}

impl<'a> Walk<'a> {
    pub(super) async fn begin(
        log: &'a EventLog,
        (epochs, keys): (&'a Epochs, &'a [VerifyingKey]),
        head: i64,
    ) -> Result<Self, ReadError> {
        let [events, heartbeats, decisions] = LogTable::ALL;
        Ok(Self {
            log,
            epochs,
            keys,
            tables: [
                Table::begin(log, events, head).await?,
                Table::begin(log, heartbeats, head).await?,
                Table::begin(log, decisions, head).await?,
            ],
            position: 0,
            absent: Vec::new(),
            missing: 0,
        })
    }

    fn lowest(&self) -> Result<Option<(i64, usize)>, ReadError> {
        let mut lowest: Option<(i64, usize)> = None;
        for (index, table) in self.tables.iter().enumerate() {
            if let Some(position) = table.place()? {
                lowest = Some(lowest.map_or((position, index), |known| known.min((position, index))));
            }
        }
        Ok(lowest)
    }

    /// The position of what comes next; `None` at the end.
    pub(super) fn upcoming(&self) -> Result<Option<i64>, ReadError> {
        Ok(self.lowest()?.map(|(position, _)| position))
    }

    /// The next event or month in the one order of positions.
    pub(super) async fn next(&mut self) -> Result<Step, ReadError> {
        let Some((position, index)) = self.lowest()? else {
            return Ok(self.end());
        };
        let table = &mut self.tables[index];
        if let Some(row) = table.next.take() {
            table.advance(self.log).await?;
            return self.check(index, position, &row);
        }
        let Some(segment) = table.segments.pop_front() else {
            return Ok(Step::End);
        };
        self.begin_segment(index, segment).await
    }

    /// A month of the archive: its manifest has to be signed and to go on where the chain stands.
    async fn begin_segment(&mut self, index: usize, segment: Segment) -> Result<Step, ReadError> {
        let table = &mut self.tables[index];
        let fault = |what: &str| {
            Ok(Step::Fault(Fault::at(
                segment.first_position,
                format!("{}: {what}", segment.file),
            )))
        };
        if !self
            .epochs
            .names_at(segment.last_position)
            .any(|log_id| segment.is_signed(log_id, self.keys))
        {
            return fault("the manifest's signature does not hold, or the catalog says something else");
        }
        if segment.chain_in.as_deref() != Some(&table.chain[..]) {
            return fault("the month does not go on where the one before it ends");
        }
        match archive::check_file(self.log, &segment).await {
            Ok(_) => {
                let all = (segment.first_position - 1, segment.last_position);
                table.rows = Box::pin(archive::stream(self.log, segment.clone(), all));
                table.advance(self.log).await?;
                table.begun = Some(segment);
                Ok(Step::Segment(None))
            }
            Err(ReadError::NotAtHand(file)) => {
                let Some(chain) = segment.chain_out.clone().and_then(|chain| chain.try_into().ok()) else {
                    return fault("the manifest has no chain");
                };
                table.chain = chain;
                table.dark_until = segment.last_position;
                self.absent
                    .push((segment.first_position, segment.last_position, segment.rows));
                table.advance(self.log).await?;
                Ok(Step::Segment(Some(file)))
            }
            Err(ReadError::Segment { cause, .. }) => fault(&cause),
            Err(error) => Err(error),
        }
    }

    /// Density and the link of one row.
    fn check(&mut self, index: usize, position: i64, row: &RecordedRow) -> Result<Step, ReadError> {
        if let Some(fault) = self.gap(position) {
            return Ok(Step::Fault(fault));
        }
        let table = &mut self.tables[index];
        table.chain = chain::link_recorded(&table.chain, &row.to_event()?);
        if row.chain()?.is_some_and(|recorded| recorded != &table.chain[..]) {
            let what = "the event or one of its fields was changed: its link does not hold";
            return Ok(Step::Fault(Fault::at(position, what.to_owned())));
        }
        self.position = position;
        if let Some(done) = table.begun.take_if(|month| month.last_position == position)
            && done.chain_out.as_deref() != Some(&table.chain[..])
        {
            let what = format!("{}: its events are not those that the manifest vouches for", done.file);
            return Ok(Step::Fault(Fault::at(position, what)));
        }
        Ok(Step::Event(position))
    }

    /// Positions that are missing before this one belong to months that are not at hand, or to nobody.
    fn gap(&mut self, position: i64) -> Option<Fault> {
        let mut at = self.position + 1;
        self.missing += position - at;
        while at < position {
            let covering = self
                .absent
                .iter()
                .filter(|(first, last, _)| *first <= at && at <= *last);
            match covering.map(|(_, last, _)| last + 1).max() {
                Some(beyond) => at = beyond,
                None => {
                    let what = format!("the event is missing; the next one is at {position}");
                    return Some(Fault::at(at, what));
                }
            }
        }
        (position <= self.position).then(|| Fault::at(position, "the position is there twice".to_owned()))
    }

    /// What is missing has to be what is elsewhere, no more and no less.
    fn end(&mut self) -> Step {
        let last = self.absent.iter().map(|(_, last, _)| *last).max().unwrap_or(0);
        if last > self.position {
            if let Some(fault) = self.gap(last + 1) {
                return Step::Fault(fault);
            }
            self.position = last;
        }
        let elsewhere: i64 = self.absent.iter().map(|(.., events)| events).sum();
        if elsewhere == self.missing {
            return Step::End;
        }
        let what = format!(
            "{} events are missing, and {elsewhere} are in months that are not at hand",
            self.missing
        );
        Step::Fault(Fault::at(self.position, what))
    }

    /// How far the log is there.
    pub(super) fn reached(&self) -> i64 {
        self.position
    }

    pub(super) fn chains(&self) -> [Link; 3] {
        [0, 1, 2].map(|index| self.tables[index].chain)
    }

    /// The chains as they are at a position; none where a month is not at hand.
    pub(super) fn known_chains(&self, position: i64) -> [Option<Link>; 3] {
        [0, 1, 2].map(|index| {
            let table = &self.tables[index];
            (position >= table.dark_until).then_some(table.chain)
        })
    }
}
