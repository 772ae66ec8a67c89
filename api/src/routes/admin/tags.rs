//! `/api/admin/tags`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::tag::{NewTag, TagChanges};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    permission::needed::{ReadTags, WriteTags},
    tag::Tag,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    reading::{AsOfQuery, HistoryQuery, ListQuery},
    resource::{self, Shown},
};

use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Json, Path, Query},
    problem::Result,
    render,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(create_tag, list_tags))
        .routes(guarded!(read_tag, edit_tag, retire_tag))
        .routes(guarded!(tag_events))
}

impl Shown for Tag {
    type Shape = admin::Tag;
    type Extra = ();

    fn shape(&self, (): &()) -> Option<admin::Tag> {
        let tag = self.facts()?;
        Some(admin::Tag {
            id: tag.id.to_string(),
            name: tag.name.as_str().to_owned(),
            color: tag.color.as_str().to_owned(),
            status: render::status(self.is_retired()),
            created_at: tag.created_at.to_string(),
        })
    }
}

/// Make a tag.
#[utoipa::path(post, path = "/api/admin/tags", tag = "tags", request_body = admin::CreateTag,
    responses((status = 201, description = "Made.", body = admin::Tag),
        (status = 409, description = "`TAG_NAME_TAKEN`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn create_tag(
    State(app): State<App>,
    caller: Caller<WriteTags>,
    headers: HeaderMap,
    Json { value, bytes }: Json<admin::CreateTag>,
) -> Result<Response> {
    let (name, color) = (value.name, value.color);
    resource::create(&app, &caller, (&headers, &bytes), async |context| {
        let new = NewTag { name, color };
        app.platform.create_tag(&context, new, &resource::kept).await
    })
    .await
}

/// List tags, by time of creation.
#[utoipa::path(get, path = "/api/admin/tags", tag = "tags", params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Tag>)), security(("api_key" = [])))]
pub(crate) async fn list_tags(
    State(app): State<App>,
    caller: Caller<ReadTags>,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    resource::list::<Tag>(&app, &caller, &headers, query.request()?, None).await
}

/// Read a tag, now or as it was.
#[utoipa::path(get, path = "/api/admin/tags/{id}", tag = "tags", params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The tag.", body = admin::Tag)), security(("api_key" = [])))]
pub(crate) async fn read_tag(
    State(app): State<App>,
    caller: Caller<ReadTags>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Tag>(&app, &caller, &query, &id).await
}

/// Rename or repaint a tag; what carries it goes on carrying it.
#[utoipa::path(patch, path = "/api/admin/tags/{id}", tag = "tags", request_body = admin::EditTag,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Tag),
        (status = 409, description = "`TAG_NAME_TAKEN`, `TAG_RETIRED`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_tag(
    State(app): State<App>,
    caller: Caller<WriteTags>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditTag>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Tag>(&id, &headers)?;
    let (context, (name, color)) = (caller.context(&app, None), (value.name, value.color));
    let unchanged = resource::unchanged(&tag);
    let done = app
        .platform
        .edit_tag(&context, id, TagChanges { name, color }, &unchanged, &resource::kept)
        .await?;
    resource::answer(&done, StatusCode::OK)
}

/// Take a tag out of use; its name is free again.
#[utoipa::path(delete, path = "/api/admin/tags/{id}", tag = "tags", params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 204, description = "Out of use.")), security(("api_key" = [])))]
pub(crate) async fn retire_tag(
    State(app): State<App>,
    caller: Caller<WriteTags>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let (id, tag) = resource::target::<Tag>(&id, &headers)?;
    let context = caller.context(&app, None);
    let done = app
        .platform
        .retire_tag(&context, id, &resource::unchanged(&tag))
        .await?;
    Ok(resource::retired(&done))
}

/// Read a tag's history.
#[utoipa::path(get, path = "/api/admin/tags/{id}/events", tag = "tags", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn tag_events(
    State(app): State<App>,
    caller: Caller<ReadTags>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Tag>(&app, &caller, &query, &id).await
}
