//! What reading is for every kind of resource: pages, the past, and histories.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_contracts::Page;
use licet_domain::{Decider, Kind, values::Timestamp};
use licet_event_store::{Aggregates, AsOf, Versioned};
use licet_projections::{ListedBy, PageRequest, Place, Total};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::actors::Actors;
use crate::{
    App,
    auth::Principal,
    extract::{invalid, refused},
    problem::{Problem, Result, unavailable},
    render,
};

/// An id out of a path; what is no UUID names nothing.
pub(super) fn id(text: &str, kind: Kind) -> Result<Uuid> {
    text.parse().map_err(|_| Problem::not_found(kind))
}

/// How many items a page has.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Limit(i64);

impl TryFrom<i64> for Limit {
    type Error = &'static str;

    fn try_from(limit: i64) -> std::result::Result<Self, &'static str> {
        let allowed = (1..=200).contains(&limit);
        allowed.then_some(Self(limit)).ok_or("this is 1 to 200")
    }
}

/// How far a list is counted.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Counting {
    /// Through to the end.
    Exact,
}

/// What every list takes.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many items.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `exact` counts beyond 10,000.
    #[param(inline)]
    total: Option<Counting>,
}

/// The order of a list by time of creation.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(crate) enum Sort {
    /// Oldest first.
    #[serde(rename = "created_at")]
    Oldest,
    /// Newest first.
    #[serde(rename = "-created_at")]
    Newest,
}

/// What a list takes that is ordered by time of creation.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// How many items.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `exact` counts beyond 10,000.
    #[param(inline)]
    total: Option<Counting>,
    /// Oldest first, or newest first.
    #[param(inline)]
    sort: Option<Sort>,
}

/// Whether what is listed is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ListedUse {
    /// In use.
    Active,
    /// Out of use.
    Retired,
}

/// What a list takes of things that are found by their names.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NamedQuery {
    /// What has what was typed in its name, or in what else tells it from others: beginnings of words, or words with one
    /// typo; case and accents do not matter. Of more than 10,000, the first that were found.
    #[param(max_length = 200)]
    pub(super) q: Option<String>,
    /// In use, unless those are asked for that are not.
    #[param(inline)]
    pub(super) status: Option<ListedUse>,
}

/// What a history takes.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// How many events.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<i64>,
    /// The latest events rather than the first, still oldest first; `cursor` does not matter then.
    latest: Option<bool>,
}

/// What reading one thing takes.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfQuery {
    /// The past moment to read it at: an RFC 3339 time, a date (its last moment in UTC) or a position in the log.
    as_of: Option<String>,
}

/// A stretch of time.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeQuery {
    /// When it begins, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) from: Option<Timestamp>,
    /// When it ends, RFC 3339; now.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(super) to: Option<Timestamp>,
}

impl PageQuery {
    /// How many items a page has.
    pub(super) fn limit(&self) -> i64 {
        limit(self.limit)
    }

    /// How far to count: beyond what is exact in any case, or through to the end.
    pub(super) fn most(&self) -> Option<i64> {
        self.total.is_none().then_some(Total::EXACT_UP_TO + 1)
    }

    /// The page that is asked for, of a list by time of creation.
    pub(super) fn request(&self, descending: bool) -> Result<PageRequest> {
        self.request_by(ListedBy::Creation, descending)
    }

    /// The page that is asked for, of a list in one order.
    pub(super) fn request_by(&self, by: ListedBy, descending: bool) -> Result<PageRequest> {
        let after = self.after(read_cursor)?;
        // In another order it would skip what lies on its other side.
        if after.is_some_and(|place| (place.by, place.descending) != (by, descending)) {
            let detail = "This cursor belongs to another sort; begin without a cursor.";
            return Err(refused("cursor", detail.to_owned()));
        }
        Ok(PageRequest {
            limit: self.limit(),
            after,
            descending,
            by,
            retired: Some(false),
            exact_total: self.total.is_some(),
            min_position: 0,
        })
    }

    /// The place after which the page begins, as the list writes it.
    pub(super) fn after<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let read = |text| read(text).ok_or_else(|| invalid("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

fn limit(limit: Option<Limit>) -> i64 {
    limit.map_or(50, |limit| limit.0)
}

/// A page of what was read with one row more than the limit; that row says whether there is another page.
pub(super) fn slice<R, T: Serialize>(
    mut rows: Vec<R>,
    limit: i64,
    total: Total,
    cursor: impl Fn(&R) -> String,
    shape: impl Fn(R) -> T,
) -> Response {
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| more).map(&cursor);
    let items: Vec<T> = rows.into_iter().map(shape).collect();
    let page = Page {
        total: total.count,
        total_exact: total.exact,
        next_cursor,
        items,
    };
    render::answer(StatusCode::OK, render::json(&page), &[])
}

/// The total out of what was counted up to [`PageQuery::most`].
pub(super) fn total(counted: i64, most: Option<i64>) -> Total {
    Total::counted(counted, most.is_none())
}

impl ListQuery {
    /// The page that is asked for.
    pub(crate) fn request(&self) -> Result<PageRequest> {
        let page = PageQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
            total: self.total,
        };
        page.request(matches!(self.sort, Some(Sort::Newest)))
    }
}

/// How a cursor begins, by the order of its list; by time of creation it begins with digits.
const ORDERS: [(char, ListedBy); 5] = [
    ('e', ListedBy::End),
    ('s', ListedBy::Active),
    ('b', ListedBy::LastSeen),
    ('n', ListedBy::Name),
    ('l', ListedBy::Licenses),
];

pub(super) fn read_cursor(text: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let descending = text.starts_with('d');
    let (place, id) = text.strip_prefix(['a', 'd'])?.split_once(':')?;
    let order = ORDERS.into_iter().find(|(order, _)| place.starts_with(*order));
    let (place, by) = order.map_or((place, ListedBy::Creation), |(_, by)| (&place[1..], by));
    let at = match by {
        ListedBy::Active | ListedBy::Licenses | ListedBy::Name => {
            let number = place.parse().ok();
            number.filter(|number| (0..=i64::from(i32::MAX)).contains(number))?
        }
        ListedBy::Creation | ListedBy::End | ListedBy::LastSeen => {
            i64::try_from(moment_in_cursor(cursor_moment(place)?)).ok()?
        }
    };
    Some(Place {
        at,
        id: id.parse().ok()?,
        descending,
        by,
    })
}

/// A moment out of a cursor, in microseconds since 1970; a made-up one must not reach beyond what the database can compare.
pub(super) fn cursor_moment(micros: &str) -> Option<OffsetDateTime> {
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    (1970..=9999).contains(&moment.year()).then_some(moment)
}

/// A moment as it stands in a cursor.
pub(super) fn moment_in_cursor(moment: OffsetDateTime) -> i128 {
    moment.unix_timestamp_nanos() / 1_000
}

pub(super) fn write_cursor(place: Place) -> String {
    let direction = if place.descending { 'd' } else { 'a' };
    let order = ORDERS.into_iter().find(|(_, by)| *by == place.by);
    let order = order.map(|(order, _)| String::from(order)).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(format!("{direction}{order}{}:{}", place.at, place.id))
}

/// A page as it is answered.
pub(super) fn page<R, T: Serialize>(page: licet_projections::Page<R>, show: impl FnMut(R) -> T) -> Response {
    let shown = Page {
        next_cursor: page.next.map(write_cursor),
        total: page.total.count,
        total_exact: page.total.exact,
        items: page.items.into_iter().map(show).collect(),
    };
    render::answer(StatusCode::OK, render::json(&shown), &[])
}

/// A moment of the past that is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// How far the log counts.
    pub(super) position: i64,
    /// What the time was: what ends by itself had ended, or had not.
    pub(super) at: Timestamp,
}

/// The moment that `as_of` names, where it is given.
pub(super) async fn as_of(app: &App, query: &AsOfQuery) -> Result<Option<Moment>> {
    let Some(moment) = &query.as_of else {
        return Ok(None);
    };
    let now = app.platform.edge.now();
    let moment: AsOf = moment
        .parse()
        .map_err(|error| refused("as_of", format!("The query parameter as_of is not valid: {error}.")))?;
    let head = app.platform.log.position().await.map_err(unavailable)?;
    let moment = moment
        .expect_past(head, now)
        .map_err(|error| refused("as_of", format!("The query parameter as_of is not valid: {error}.")))?;
    let position = app.platform.log.position_at(moment).await.map_err(unavailable)?;
    let at = match moment {
        AsOf::Time(at) => at,
        AsOf::Position(_) => {
            let recorded = app.platform.log.moment_of(position).await;
            recorded.map_err(unavailable)?.unwrap_or(now)
        }
    };
    Ok(Some(Moment { position, at }))
}

/// The state of one thing, now or as it was at a moment.
pub(super) async fn state<D: Decider>(
    caller: &Principal,
    aggregates: &Aggregates<D>,
    id: Uuid,
    moment: Option<Moment>,
) -> Result<Arc<Versioned<D::State>>> {
    let state = match moment {
        Some(moment) => aggregates
            .as_of(&caller.tenant, id, moment.position)
            .await
            .map(Arc::new),
        None => aggregates.fresh(&caller.tenant, id).await,
    };
    state.map_err(|error| licet_commands::CommandError::from(error).into())
}

/// The history of one thing, oldest first; `cursor` is the last sequence of the page before.
pub(super) async fn history(
    app: &App,
    caller: &Principal,
    query: &HistoryQuery,
    text: &str,
    kind: Kind,
) -> Result<Response> {
    let id = id(text, kind)?;
    let limit = limit(query.limit);
    let total = app
        .platform
        .log
        .version(&caller.tenant, kind.name, &id.to_string())
        .await
        .map_err(unavailable)?;
    if total == 0 {
        return Err(Problem::not_found(kind));
    }
    let after = match query.latest {
        Some(true) => (total.cast_signed() - limit).max(0),
        _ => query.cursor.unwrap_or(0),
    };
    let events = app
        .platform
        .log
        .history_page(&caller.tenant, kind.name, &id.to_string(), after, limit)
        .await;
    let events = events.map_err(unavailable)?;
    let last = events.last().map_or(0, |event| event.sequence);
    let next_cursor = (last > 0 && last.cast_unsigned() < total).then(|| last.to_string());
    let mut items = Vec::with_capacity(events.len());
    let mut actors = Actors::new(app, &caller.tenant);
    for event in &events {
        let data = app.platform.disclose(&caller.tenant, event).await?;
        let (kind, id) = render::actor(event);
        items.push(render::event(event, data, actors.named(&kind, &id).await?));
    }
    let page = Page {
        items,
        next_cursor,
        total: total.cast_signed(),
        total_exact: true,
    };
    Ok(render::answer(StatusCode::OK, render::json(&page), &[]))
}
