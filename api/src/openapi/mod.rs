//! The OpenAPI document, generated from the routes.

mod common;
mod webhooks;

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use utoipa::openapi::{
    Info, License, OpenApi, OpenApiBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{auth, extract::KnownParameters, list_export, render, routes::admin::Routes};

/// What the document says before any route is in it.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("Licet", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Errors are RFC 9457 problems; branch on `code` alone. Answers of the license routes are signed (RFC 9421); \
         the keys are at `/.well-known/licet/keys`."
            .to_owned(),
    );
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    let mut components = utoipa::openapi::Components::new();
    components.add_security_scheme(
        "api_key",
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
    );
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let session = ApiKeyValue::with_description(
        "licet",
        "An operator's session, which `POST /api/auth/login` begins; over HTTPS it is called `__Host-licet`. What changes \
         anything also carries `X-Licet-Request: 1`.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// The finished document.
#[derive(Clone)]
pub(crate) struct Document {
    text: Arc<str>,
    parameters: KnownParameters,
    lists: Arc<list_export::Columns>,
    permissions: Routes,
}

impl Document {
    pub(crate) fn of(description: &OpenApi) -> Self {
        let mut document = serde_json::to_value(description).expect("a description is JSON");
        common::complete(&mut document);
        common::refer_to_items(&mut document);
        webhooks::describe(&mut document);
        document["servers"] = serde_json::json!([{ "url": "/", "description": "This server" }]);
        Self {
            text: document.to_string().into(),
            parameters: KnownParameters::of(&document),
            lists: Arc::new(list_export::columns_of(&document)),
            permissions: Arc::new(auth::routes_of(&document)),
        }
    }

    /// The query parameters of every route.
    pub(crate) fn parameters(&self) -> KnownParameters {
        self.parameters.clone()
    }

    /// The columns of every list.
    pub(crate) fn lists(&self) -> list_export::Columns {
        (*self.lists).clone()
    }

    /// The routes of every permission.
    pub(crate) fn permissions(&self) -> Routes {
        self.permissions.clone()
    }

    pub(crate) fn answer(&self) -> Response {
        render::answer(StatusCode::OK, self.text.to_string(), &[])
    }
}

/// A file's bytes, for the description.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct Binary(#[expect(dead_code, reason = "only its shape is looked at")] Vec<u8>);
