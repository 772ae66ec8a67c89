//! Keyset paging: a page begins after a row, not after a count, so that it costs the same however deep it is.

use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// By what a thing has its place in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListedBy {
    /// When it was made.
    #[default]
    Creation,
    /// When it ends; only licenses do.
    End,
    /// How many machines hold a seat; only licenses have them.
    Active,
    /// When one of its machines reported last; only licenses have them.
    LastSeen,
    /// What it is called; only customers are listed so.
    Name,
    /// How many licenses it has; only customers have them.
    Licenses,
}

/// A place in a list: a row, and the order in which the list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// By what the row is listed: a number, or a moment in microseconds since 1970. Names do not stand here: where a list is
    /// by name, its row tells.
    pub at: i64,
    /// Its id; it tells rows of one place apart.
    pub id: Uuid,
    /// Newest first.
    pub descending: bool,
    /// By what that is.
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
    /// By what.
    pub by: ListedBy,
    /// Whether what is listed is out of use; both where that does not matter.
    pub retired: Option<bool>,
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
            retired: Some(false),
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
        self.after.map_or(start, |place| (moment(place.at), place.id))
    }

    /// The same of a list by numbers.
    pub(crate) fn number_bounds(&self) -> (i32, Uuid) {
        let start = if self.descending {
            (i32::MAX, Uuid::max())
        } else {
            (i32::MIN, Uuid::nil())
        };
        let number = |place: Place| i32::try_from(place.at).unwrap_or(i32::MAX);
        self.after.map_or(start, |place| (number(place), place.id))
    }

    /// The same of a list of customers by name or by licenses: none where it begins, in either direction.
    pub(crate) fn directory_bounds(&self) -> (Option<i32>, Uuid) {
        let (number, id) = self.number_bounds();
        (self.after.map(|_| number), id)
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

/// A moment as a place names it.
pub(crate) fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// The moment that a place names; one that is none lies after all of them.
fn moment(micros: i64) -> OffsetDateTime {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
    moment.unwrap_or(datetime!(9999-12-31 23:59:59.999999 UTC))
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
    pub(crate) fn of(mut items: Vec<T>, request: &PageRequest, total: Total, key: impl Fn(&T) -> (i64, Uuid)) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| {
            let (at, id) = key(last);
            Place {
                at,
                id,
                descending: request.descending,
                by: request.by,
            }
        });
        Self { items, next, total }
    }
}
