//! What reading is for every kind of resource: pages, the past, and histories.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use licet_contracts::Page;
use licet_domain::{Decider, api_key::Scope, values::Timestamp};
use licet_event_store::{Aggregates, AsOf, Versioned};
use licet_projections::{PageRequest, Place, Total};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    App,
    auth::Caller,
    extract::{Params, invalid, refused},
    freshness,
    problem::{Problem, Result, unavailable},
    render,
};

/// An id out of a path; what is no UUID names nothing.
pub(super) fn id(text: &str, what: &str) -> Result<Uuid> {
    text.parse().map_err(|_| Problem::not_found(what))
}

/// `limit` of a list: 1 to 200, 50 by default.
pub(super) fn limit(params: &Params) -> Result<i64> {
    let limit = params.parsed::<i64>("limit")?.unwrap_or(50);
    if (1..=200).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid("limit"))
    }
}

/// A page of what was read with one row more than the limit; that row says whether there is another page.
pub(super) fn slice<R, T: Serialize>(
    mut rows: Vec<R>,
    (limit, total): (i64, Total),
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

/// How far a list is counted: beyond what is exact in any case, or through to the end with `total=exact`.
pub(super) fn most(params: &Params) -> Result<Option<i64>> {
    match params.get("total") {
        None => Ok(Some(Total::EXACT_UP_TO + 1)),
        Some("exact") => Ok(None),
        Some(_) => Err(refused("total", "total is exact, or is left out.".to_owned())),
    }
}

/// The total out of what was counted up to [`most`].
pub(super) fn total(counted: i64, most: Option<i64>) -> Total {
    Total::counted(counted, most.is_none())
}

/// `limit`, `cursor`, `sort` and `total` of a list that is ordered by time of creation.
pub(super) fn page_request(params: &Params, sort_field: &str) -> Result<PageRequest> {
    let limit = limit(params)?;
    let sort = params.get("sort").unwrap_or(sort_field);
    let (field, descending) = sort.strip_prefix('-').map_or((sort, false), |field| (field, true));
    if field != sort_field {
        let detail = format!("This list is sorted by {sort_field} or -{sort_field}.");
        return Err(refused("sort", detail));
    }
    let after = params
        .get("cursor")
        .map(|text| read_cursor(text).ok_or_else(|| invalid("cursor")))
        .transpose()?;
    // In another order it would skip what lies on its other side.
    if after.is_some_and(|place| place.descending != descending) {
        let detail = "This cursor belongs to another sort; begin without a cursor.";
        return Err(refused("cursor", detail.to_owned()));
    }
    Ok(PageRequest {
        limit,
        after,
        descending,
        include_retired: false,
        exact_total: most(params)?.is_none(),
    })
}

fn read_cursor(text: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let descending = text.starts_with('d');
    let (micros, id) = text.strip_prefix(['a', 'd'])?.split_once(':')?;
    Some(Place {
        created_at: cursor_moment(micros)?,
        id: id.parse().ok()?,
        descending,
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

fn write_cursor(place: Place) -> String {
    let order = if place.descending { 'd' } else { 'a' };
    URL_SAFE_NO_PAD.encode(format!("{order}{}:{}", moment_in_cursor(place.created_at), place.id))
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

/// The moment that `as_of` names, where it is given; one that is still to come is now.
pub(super) async fn as_of(app: &App, params: &Params) -> Result<Option<Moment>> {
    let Some(moment) = params.get("as_of") else {
        return Ok(None);
    };
    let moment: AsOf = moment.parse().map_err(|_| invalid("as_of"))?;
    let position = app.platform.log.position_at(moment).await.map_err(unavailable)?;
    let now = app.platform.edge.now();
    let at = match moment {
        AsOf::Time(at) => at.min(now),
        AsOf::Position(_) => {
            let recorded = app.platform.log.moment_of(position).await;
            recorded.map_err(unavailable)?.unwrap_or(now)
        }
    };
    Ok(Some(Moment { position, at }))
}

/// The state of one thing, now or as it was.
pub(super) async fn state<D: Decider>(
    app: &App,
    caller: &Caller,
    (headers, params): (&HeaderMap, &Params),
    aggregates: &Aggregates<D>,
    id: Uuid,
) -> Result<Arc<Versioned<D::State>>> {
    caller.require(app, Scope::Read)?;
    freshness::of_log(app, headers).await?;
    let state = match as_of(app, params).await? {
        Some(moment) => aggregates.as_of(&app.tenant, id, moment.position).await.map(Arc::new),
        None => aggregates.fresh(&app.tenant, id).await,
    };
    state.map_err(|error| licet_commands::CommandError::from(error).into())
}

/// The history of one thing, oldest first; `cursor` is the last sequence of the page before.
pub(super) async fn history<D: Decider>(
    app: &App,
    caller: &Caller,
    params: &Params,
    (text, what): (&str, &str),
) -> Result<Response> {
    caller.require(app, Scope::Read)?;
    let id = id(text, what)?;
    let limit = self::limit(params)?;
    let after = params.parsed::<i64>("cursor")?.unwrap_or(0);
    let total = app
        .platform
        .log
        .version(&app.tenant, D::TYPE, &id.to_string())
        .await
        .map_err(unavailable)?;
    if total == 0 {
        return Err(Problem::not_found(what));
    }
    let events = app
        .platform
        .log
        .history_page(&app.tenant, D::TYPE, &id.to_string(), after, limit)
        .await;
    let events = events.map_err(unavailable)?;
    let last = events.last().map_or(0, |event| event.sequence);
    let next_cursor = (last > 0 && last.cast_unsigned() < total).then(|| last.to_string());
    let items = events.iter().map(render::event).collect();
    let page = Page {
        items,
        next_cursor,
        total: total.cast_signed(),
        total_exact: true,
    };
    Ok(render::answer(StatusCode::OK, render::json(&page), &[]))
}
