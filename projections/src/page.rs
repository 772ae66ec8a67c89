//! Keyset paging: a page begins after a row, not after a count, so that it costs the same however deep it is.

use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// By which of its moments a thing has its place in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListedBy {
    /// When it was made.
    #[default]
    Creation,
    /// When it ends; only licenses do.
    End,
}

/// A place in a list: a row, and the order in which the list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When the row was made, or ends.
    pub moment: OffsetDateTime,
    /// Its id; it tells rows of one moment apart.
    pub id: Uuid,
    /// Newest first.
    pub descending: bool,
    /// Which moment that is.
    pub by: ListedBy,
}

/// Which page of a list is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// How many rows; 1 to 200.
    pub limit: i64,
    /// The last row of the page before.
    pub after: Option<Place>,
    /// Newest first.
    pub descending: bool,
    /// By which moment.
    pub by: ListedBy,
    /// Whether what is out of use is listed too.
    pub include_retired: bool,
    /// Whether the total must be exact however large it is.
    pub exact_total: bool,
    /// What the caller knows already: a total that was counted before that is counted again.
    pub min_position: i64,
}

impl PageRequest {
    /// The first page of what is in use, oldest first.
    pub fn first(limit: i64) -> Self {
        Self {
            limit,
            after: None,
            descending: false,
            by: ListedBy::Creation,
            include_retired: false,
            exact_total: false,
            min_position: 0,
        }
    }

    /// The time and id to compare with; a first page compares with the end that it starts from.
    pub(crate) fn bounds(&self) -> (OffsetDateTime, Uuid) {
        let beginning = (
            OffsetDateTime::UNIX_EPOCH - time::Duration::days(366 * 1000),
            Uuid::nil(),
        );
        let end = (datetime!(9999-12-31 23:59:59.999999 UTC), Uuid::max());
        let start = if self.descending { end } else { beginning };
        self.after.map_or(start, |place| (place.moment, place.id))
    }

    /// How long the list is, where the first page shows all of it: one row more than the limit would have been read.
    pub(crate) fn whole(&self, rows: usize) -> Option<i64> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        (self.after.is_none() && rows <= self.limit).then_some(rows)
    }

    /// How far to count.
    pub(crate) fn count_limit(&self) -> Option<i64> {
        (!self.exact_total).then_some(Total::EXACT_UP_TO + 1)
    }
}

/// How many rows match, over all pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, or where counting stopped.
    pub count: i64,
    /// Whether it is the number.
    pub exact: bool,
}

impl Total {
    /// Up to here the number is exact in any case.
    pub const EXACT_UP_TO: i64 = 10_000;

    /// Out of a count that stopped beyond [`Self::EXACT_UP_TO`], or that went through to the end.
    pub fn counted(counted: i64, to_the_end: bool) -> Self {
        let exact = to_the_end || counted <= Self::EXACT_UP_TO;
        Self {
            count: if exact { counted } else { Self::EXACT_UP_TO },
            exact,
        }
    }

    pub(crate) fn of(counted: i64, request: &PageRequest) -> Self {
        Self::counted(counted, request.exact_total)
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The row after which the next page begins; `None` on the last.
    pub next: Option<Place>,
    /// How many there are over all pages.
    pub total: Total,
}

impl<T> Page<T> {
    /// Cuts the surplus row that was read to see whether there is a next page.
    pub(crate) fn of(
        mut items: Vec<T>,
        request: &PageRequest,
        total: Total,
        key: impl Fn(&T) -> (OffsetDateTime, Uuid),
    ) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| {
            let (moment, id) = key(last);
            Place {
                moment,
                id,
                descending: request.descending,
                by: request.by,
            }
        });
        Self { items, next, total }
    }
}
