//! Epochs: which of two events with the same position is meant.
//!
//! After a restore, or a failover that lost events, the log gives positions out again that others have heard of. So every
//! id that leaves names an epoch beside the position. An epoch's name is random, because a second restore forgets the
//! epochs that began after the first. Only an operator begins one: who notices a fork stops and says so.

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// An epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its name.
    pub id: Uuid,
    /// The last position of the epoch before it.
    pub begun_after: i64,
    /// When it began; `None` for the first, which began with the log.
    pub begun_at: Option<OffsetDateTime>,
}

/// What a log was called before a restore went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FormerLog {
    log_id: Uuid,
    /// The last position that both have in common.
    until: i64,
}

/// All epochs of a log, oldest first; there is always one.
#[derive(Debug, Clone)]
pub struct Epochs {
    log_id: Uuid,
    former: Vec<FormerLog>,
    first: Epoch,
    later: Vec<Epoch>,
}

impl Epochs {
    /// Reads them.
    pub async fn read(pool: &PgPool) -> sqlx::Result<Self> {
        let log_id = sqlx::query_scalar!("SELECT log_id FROM log_head").fetch_one(pool);
        let log_id = log_id.await?;
        let later = sqlx::query_as!(
            Epoch,
            r#"SELECT epoch AS id, begun_after, begun_at AS "begun_at?" FROM log_epochs ORDER BY begun_at, epoch"#
        );
        // The first name first.
        let former = sqlx::query_as!(
            FormerLog,
            "SELECT log_id, until FROM log_lineage ORDER BY ended_at, log_id"
        );
        let former = former.fetch_all(pool).await?;
        Ok(Self {
            log_id,
            first: Epoch {
                // What was told before a restore was told under the first name.
                id: former.first().map_or(log_id, |first| first.log_id),
                begun_after: 0,
                begun_at: None,
            },
            later: later.fetch_all(pool).await?,
            former,
        })
    }

    /// The log's id.
    pub fn log_id(&self) -> Uuid {
        self.log_id
    }

    /// The log's first id, which a restore does not change.
    pub fn first_log_id(&self) -> Uuid {
        self.first.id
    }

    /// The names under which a position is this log's.
    pub fn names_at(&self, position: i64) -> impl Iterator<Item = Uuid> + '_ {
        let former = self.former.iter().filter(move |former| position <= former.until);
        std::iter::once(self.log_id).chain(former.map(|former| former.log_id))
    }

    /// Whether this log is called so, or was.
    pub fn is_called(&self, log_id: Uuid) -> bool {
        log_id == self.log_id || self.former.iter().any(|former| former.log_id == log_id)
    }

    /// The one that events are recorded in now.
    pub fn current(&self) -> Epoch {
        self.later.last().copied().unwrap_or(self.first)
    }

    /// The one that a position is told in.
    pub fn of(&self, position: i64) -> Epoch {
        let began = |epoch: &&Epoch| epoch.begun_after < position;
        self.later.iter().rev().find(began).copied().unwrap_or(self.first)
    }

    /// Whether a position was told in an epoch of this name.
    pub fn holds(&self, id: Uuid, position: i64) -> bool {
        self.of(position).id == id
    }
}

/// Begins an epoch after what the consumer and the log have in common: everything later is told anew, under new ids.
pub async fn begin(pool: &PgPool, consumer: &str) -> sqlx::Result<Epoch> {
    sqlx::query_as!(
        Epoch,
        r#"INSERT INTO log_epochs (begun_after)
           SELECT least(log_head.position, consumers.position) FROM log_head LEFT JOIN consumers ON consumers.name = $1
           RETURNING epoch AS id, begun_after, begun_at AS "begun_at?""#,
        consumer,
    )
    .fetch_one(pool)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_told_in_the_last_epoch_that_began_before_it() {
        let epoch = |id, begun_after| Epoch {
            id: Uuid::from_u128(id),
            begun_after,
            begun_at: None,
        };
        let epochs = Epochs {
            log_id: Uuid::from_u128(1),
            former: Vec::new(),
            first: epoch(1, 0),
            later: vec![epoch(2, 10), epoch(3, 7)],
        };
        let told = [(7, 1), (8, 3), (10, 3), (11, 3)];
        for (position, id) in told {
            assert!(epochs.holds(Uuid::from_u128(id), position), "{position}");
        }
        assert_eq!(epochs.current().id, Uuid::from_u128(3));
    }
}
