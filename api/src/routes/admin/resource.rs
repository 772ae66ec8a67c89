//! What is alike for every kind of resource: created, listed, read, changed, taken out of use, and its history.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::{CommandError, Context, Done, InMemory};
use licet_projections::{PageRequest, resources};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListedUse, Moment, NamedQuery},
    search,
};
use crate::{
    App,
    auth::{Principal, if_match},
    freshness, idempotency,
    problem::{Problem, Result, unavailable},
    render,
    reply::Reply,
};

/// A resource as the admin API shows it.
pub(super) trait Shown: InMemory {
    /// Its shape.
    type Shape: Serialize;
    /// What is shown that its events do not say in the clear: `()` for most.
    type Extra: Default + Clone + Send + Sync;

    /// What is shown besides, for each of these things, as of a moment of the past where one is asked about.
    fn extras(
        _: &App,
        _: &Principal,
        things: &[(Uuid, &Self)],
        _: Option<Moment>,
    ) -> impl Future<Output = Result<Vec<Self::Extra>>> + Send {
        let extras = vec![Self::Extra::default(); things.len()];
        async { Ok(extras) }
    }

    /// The same for the rows of a list, which may show more.
    fn listed(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
    ) -> impl Future<Output = Result<Vec<Self::Extra>>> + Send {
        Self::extras(app, caller, things, None)
    }

    /// What of it operators edit: what `ETag` covers.
    fn editable(&self) -> serde_json::Value {
        json!(self)
    }

    /// Its shape; none for what never was.
    fn shape(&self, extra: &Self::Extra) -> Option<Self::Shape>;
}

/// The version that an `ETag` names.
fn version<D: Shown>(state: &D) -> serde_json::Value {
    json!([state.id(), state.editable()])
}

/// A thing that exists, as it is answered.
pub(super) fn reply<D: Shown>(state: &D, extra: &D::Extra) -> Option<Reply> {
    reply_as(state, &state.shape(extra)?)
}

/// The same in a shape that shows more, such as a secret.
pub(super) fn reply_as<D: Shown>(state: &D, shape: &D::Shape) -> Option<Reply> {
    let id = state.id()?.to_string();
    Some(Reply::of(D::KIND.collection, &id, shape, &version(state)))
}

/// What is kept of an answer for a repeated request.
pub(super) fn kept<D: Shown<Extra = ()>>(state: &D) -> String {
    reply(state, &()).map(|reply| reply.kept()).unwrap_or_default()
}

/// Whether a thing still is what `If-Match` names.
pub(super) fn unchanged<D: Shown>(tag: &str) -> impl Fn(&D) -> bool + Sync {
    move |state| render::matches(tag, &version(state))
}

/// The thing that a change is about, and the version that it was read in.
pub(super) fn target<D: Shown>(id: &str, headers: &HeaderMap) -> Result<(Uuid, String)> {
    Ok((reading::id(id, D::KIND)?, if_match(headers)?))
}

/// The answer of what was done to one thing.
pub(super) fn answer<D: Shown<Extra = ()>>(done: &Done<D>, status: StatusCode) -> Result<Response> {
    let reply = reply(&done.value, &()).ok_or_else(|| Problem::not_found(D::KIND))?;
    Ok(reply.answer(status, done.position))
}

/// Takes something up, once for each `Idempotency-Key`.
pub(super) async fn create<D: Shown<Extra = ()>>(
    app: &App,
    caller: &Principal,
    (headers, body): (&HeaderMap, &[u8]),
    run: impl AsyncFnOnce(Context) -> std::result::Result<Done<D>, CommandError>,
) -> Result<Response> {
    let route = format!("create_{}", D::KIND.name);
    let about = (&route[..], body, StatusCode::CREATED);
    idempotency::once(app, caller, headers, about, async |context| {
        answer(&run(context).await?, StatusCode::CREATED)
    })
    .await
}

/// A page of what is in use, of one parent where it is named.
pub(super) async fn list<D: Shown>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    request: PageRequest,
    parent: Option<Uuid>,
) -> Result<Response> {
    list_some::<D>(app, caller, headers, request, (parent, None)).await
}

/// The same of those alone that a search found, where there was one.
pub(super) async fn list_some<D: Shown>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    mut request: PageRequest,
    (parent, found): (Option<Uuid>, Option<&[Uuid]>),
) -> Result<Response> {
    request.min_position = freshness::of_read_model(app, headers, "resources").await?;
    let page = resources::list_some::<D>(&app.reader, &caller.tenant, (parent, found), &request).await;
    let page = page.map_err(unavailable)?;
    let things: Vec<_> = page.items.iter().map(|row| (row.id, &row.state)).collect();
    let mut extras = D::listed(app, caller, &things).await?.into_iter();
    Ok(reading::page(page, |row| {
        row.state.shape(&extras.next().unwrap_or_default())
    }))
}

/// A page of those that have what was typed in their names, in use or not.
pub(super) async fn list_named<D: Shown>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    mut request: PageRequest,
    named: &NamedQuery,
) -> Result<Response> {
    request.retired = Some(named.status == Some(ListedUse::Retired));
    let typed = named.q.as_deref().map(str::trim).filter(|typed| !typed.is_empty());
    let Some(typed) = typed else {
        return list::<D>(app, caller, headers, request, None).await;
    };
    let found = search::ids::<D>(app, caller, headers, typed).await?;
    list_some::<D>(app, caller, headers, request, (None, Some(&found))).await
}

/// One thing, now or as it was.
pub(super) async fn read<D: Shown>(app: &App, caller: &Principal, query: &AsOfQuery, id: &str) -> Result<Response> {
    let id = reading::id(id, D::KIND)?;
    let moment = reading::as_of(app, query).await?;
    let found = reading::state(caller, app.platform.of::<D>(), id, moment).await?;
    let missing = || Problem::not_found(D::KIND);
    if !found.state.exists() {
        return Err(missing());
    }
    let extras = D::extras(app, caller, &[(id, &found.state)], moment).await?;
    let extra = extras.into_iter().next().unwrap_or_default();
    let reply = reply(&found.state, &extra).ok_or_else(missing)?;
    Ok(reply.answer(StatusCode::OK, found.position))
}

/// Takes something out of use.
pub(super) async fn retire<D: Shown>(app: &App, caller: &Principal, headers: &HeaderMap, id: &str) -> Result<Response> {
    let (id, tag) = target::<D>(id, headers)?;
    let context = caller.context(app, None);
    let done = app.platform.retire::<D>(&context, id, &unchanged(&tag)).await?;
    Ok(retired(&done))
}

/// The answer of what was taken out of use.
pub(super) fn retired<T>(done: &Done<T>) -> Response {
    let headers = [render::position(done.position)];
    render::answer(StatusCode::NO_CONTENT, String::new(), &headers)
}

/// The history of one thing, oldest first.
pub(super) async fn history<D: Shown>(
    app: &App,
    caller: &Principal,
    query: &HistoryQuery,
    id: &str,
) -> Result<Response> {
    reading::history(app, caller, query, id, D::KIND).await
}
