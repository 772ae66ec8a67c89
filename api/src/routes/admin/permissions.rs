//! `GET /api/admin/permissions`

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use licet_contracts::admin;
use licet_domain::permission::{Permission, needed::ReadPermissions};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App,
    auth::{Caller, guarded},
    problem::Result,
    render,
};

/// The routes of every permission, as the description has them.
pub(crate) type Routes = Arc<BTreeMap<String, Vec<String>>>;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(list_permissions))
}

/// List what may be done here, by which roles and scopes, over which routes.
#[utoipa::path(get, path = "/api/admin/permissions", tag = "permissions",
    responses((status = 200, description = "All of them.", body = admin::Permissions)), security(("api_key" = [])))]
pub(crate) async fn list_permissions(
    State(_): State<App>,
    _: Caller<ReadPermissions>,
    Extension(routes): Extension<Routes>,
) -> Result<Response> {
    let shown = |permission: &Permission| admin::Permission {
        permission: permission.name().to_owned(),
        scope: permission.scope().as_str().to_owned(),
        roles: permission
            .roles()
            .iter()
            .map(|role| json!(role).as_str().unwrap_or_default().to_owned())
            .collect(),
        routes: routes.get(permission.name()).cloned().unwrap_or_default(),
    };
    let permissions = Permission::ALL.iter().map(shown).collect();
    let body = render::json(&admin::Permissions { permissions });
    Ok(render::answer(StatusCode::OK, body, &[]))
}
