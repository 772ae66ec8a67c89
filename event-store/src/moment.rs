//! Where the log stood at a moment.

use licet_domain::values::{Timestamp, ValueError};
use time::OffsetDateTime;

use crate::{EventLog, LogTable, ReadError, archive};

/// Up to which moment history counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Up to and including this position.
    Position(i64),
    /// Up to and including this moment, by the log's time.
    Time(Timestamp),
}

impl std::str::FromStr for AsOf {
    type Err = ValueError;

    /// A position is a number; a date is its last moment in UTC; anything else must be an RFC 3339 time.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse::<i64>() {
            Ok(position) if position >= 0 => Ok(Self::Position(position)),
            _ => Timestamp::end_of_day(text)
                .or_else(|| Timestamp::parse(text).ok())
                .map(Self::Time)
                .ok_or_else(|| ValueError {
                    code: "TIME_INVALID",
                    detail: format!(
                        "{text:?} is no position, no date such as 2027-01-31 and no time such as 2027-01-31T12:00:00Z"
                    ),
                }),
        }
    }
}

/// A moment that is still to come: nobody knows the log as it will be.
#[derive(Debug, thiserror::Error)]
#[error("{0} is still to come; the log is at position {1}")]
pub struct FutureMoment(String, i64);

impl AsOf {
    /// Refuses a moment that is still to come, by the log's head and the present time. A day that has begun counts up to now.
    pub fn expect_past(self, head: i64, now: Timestamp) -> Result<Self, FutureMoment> {
        match self {
            Self::Position(position) if position > head => Err(FutureMoment(format!("position {position}"), head)),
            Self::Time(at) if at > now && now.end_of_its_day() != at => Err(FutureMoment(at.to_string(), head)),
            Self::Time(at) => Ok(Self::Time(at.min(now))),
            Self::Position(_) => Ok(self),
        }
    }
}

impl EventLog {
    /// The newest position at or before a moment of the log's time.
    ///
    /// Within a month that is in the archive and not at hand, the position is that of the newest event before it which
    /// is: what was recorded in between cannot be read either.
    pub async fn position_at(&self, moment: AsOf) -> Result<i64, ReadError> {
        let head = self.position().await?;
        let moment = match moment {
            AsOf::Position(position) => return Ok(position.min(head)),
            // Times are told to the millisecond and recorded to the microsecond: the whole millisecond counts.
            AsOf::Time(moment) => OffsetDateTime::from(moment) + time::Duration::microseconds(999),
        };
        Ok(self.online_at(moment, head).await?.max(self.archived_at(moment).await?))
    }

    /// When the event at a position was recorded, or the newest before it that is online; `None` before the first.
    pub async fn moment_of(&self, position: i64) -> sqlx::Result<Option<Timestamp>> {
        let recorded_at = sqlx::query_scalar!(
            r#"SELECT recorded_at AS "recorded_at!" FROM (
                   (SELECT position, recorded_at FROM events WHERE position <= $1 ORDER BY position DESC LIMIT 1)
                   UNION ALL (SELECT position, recorded_at FROM heartbeat_events WHERE position <= $1 ORDER BY position DESC LIMIT 1)
                   UNION ALL (SELECT position, recorded_at FROM decision_events WHERE position <= $1 ORDER BY position DESC LIMIT 1)
               ) AS before ORDER BY position DESC LIMIT 1"#,
            position,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(recorded_at.map(Timestamp::from))
    }

    /// By halving what is online: time never runs backwards in the log.
    async fn online_at(&self, moment: OffsetDateTime, head: i64) -> sqlx::Result<i64> {
        let (mut known_before, mut known_after) = (0, head + 1);
        while known_after - known_before > 1 {
            let middle = known_before + (known_after - known_before) / 2;
            let next = sqlx::query!(
                r#"SELECT position AS "position!", recorded_at AS "recorded_at!" FROM (
                       (SELECT position, recorded_at FROM events WHERE position >= $1 ORDER BY position LIMIT 1)
                       UNION ALL (SELECT position, recorded_at FROM heartbeat_events WHERE position >= $1 ORDER BY position LIMIT 1)
                       UNION ALL (SELECT position, recorded_at FROM decision_events WHERE position >= $1 ORDER BY position LIMIT 1)
                   ) AS next ORDER BY position LIMIT 1"#,
                middle,
            )
            .fetch_optional(self.pool())
            .await?;
            match next {
                Some(row) if row.recorded_at <= moment => known_before = row.position.max(middle),
                Some(_) | None => known_after = middle,
            }
        }
        Ok(known_before)
    }

    async fn archived_at(&self, moment: OffsetDateTime) -> Result<i64, ReadError> {
        let mut newest = 0;
        for table in LogTable::ALL {
            for segment in archive::segments_of(self.pool(), table).await? {
                let last = match segment.first_at <= moment {
                    true if segment.last_at <= moment => segment.last_position,
                    true => match archive::last_until(self, &segment, moment).await {
                        Err(ReadError::NotAtHand(_)) => 0,
                        found => found?,
                    },
                    false => 0,
                };
                newest = newest.max(last);
            }
        }
        Ok(newest)
    }
}
