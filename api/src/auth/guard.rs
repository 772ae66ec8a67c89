//! Joins routes to the permissions that their handlers' types name.

use std::collections::BTreeMap;

use axum::extract::State;
use licet_domain::permission::{Needed, Permission};
use serde_json::Value;
use utoipa::openapi::{Paths, extensions::Extensions, path::Operation};

use super::Caller;
use crate::App;

/// Where an operation of the description names its permission.
const FIELD: &str = "x-permission";

/// A handler that takes a [`Caller`] right after the server's parts; `T` is what else it takes and answers.
pub(crate) trait Guard<T> {
    /// What its callers need.
    const PERMISSION: Permission;
}

macro_rules! guard {
    ($($argument:ident),*) => {
        impl<F, R, P: Needed, $($argument),*> Guard<(R, P, $($argument),*)> for F
        where
            F: Fn(State<App>, Caller<P>, $($argument),*) -> R,
        {
            const PERMISSION: Permission = P::PERMISSION;
        }
    };
}

guard!();
guard!(A);
guard!(A, B);
guard!(A, B, C);
guard!(A, B, C, D);

/// Routes that nobody reaches without the permission of their handler's type; the description names it.
macro_rules! guarded {
    ($($($handler:ident)::+),+ $(,)?) => {{
        let mut routes = ::utoipa_axum::routes!($($($handler)::+),+);
        $($crate::auth::note(&mut routes.1, &$($handler)::+, stringify!($($handler)::+));)+
        routes
    }};
}
pub(crate) use guarded;

/// Writes a handler's permission into its operation, which has the function's name unless it has its own.
pub(crate) fn note<T, H: Guard<T>>(paths: &mut Paths, _: &H, handler: &str) {
    let name = handler.rsplit("::").next().unwrap_or(handler).trim();
    let operation = operations(paths).find(|operation| operation.operation_id.as_deref() == Some(name));
    let operation = operation.expect("an operation is called as its handler");
    let field = Extensions::builder().add(FIELD, H::PERMISSION.name()).build();
    operation.extensions.get_or_insert_default().merge(field);
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| {
        let methods = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        methods.into_iter().filter_map(Option::as_mut)
    })
}

/// The routes of every permission, such as `POST /api/admin/products`, as the finished description has them.
pub(crate) fn routes_of(document: &Value) -> BTreeMap<String, Vec<String>> {
    let mut routes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if let Some(permission) = operation[FIELD].as_str() {
                let route = format!("{} {path}", method.to_uppercase());
                routes.entry(permission.to_owned()).or_default().push(route);
            }
        }
    }
    routes
}
