//! `GET /api/admin/search`: what is meant by what was typed so far.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_commands::Look;
use licet_contracts::admin;
use licet_domain::{
    Resource,
    permission::{Permission, needed::ReadLicenses},
    search::score,
};
use licet_projections::{
    PageRequest, Total,
    license_state::{self, KeySearch, LicenseFilter},
    search,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    App,
    auth::{Caller, Principal, guarded},
    extract::{Query, refused},
    freshness,
    problem::{Result, unavailable},
    render,
};

/// The longest search.
const MAX_TYPED: usize = 200;
/// Candidates of each kind that are looked at, and the best of them that are told.
const CANDIDATES: i64 = 60;
const BEST: usize = 20;
/// Better than any name: the key itself was typed.
const KEY_SCORE: f64 = 1.0;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(guarded!(search_everything))
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// What was typed so far: beginnings of words, or words with one typo; case and accents do not matter. A license is
    /// found by its whole key, too, or by its last group.
    #[param(max_length = 200)]
    q: Option<String>,
}

/// Search customers, licenses, products, policies and operators by name, note and key, the best first.
#[utoipa::path(get, path = "/api/admin/search", tag = "search", params(SearchQuery),
    responses((status = 200, description = "What was found, of what the caller may read.", body = admin::Found)), security(("api_key" = [])))]
pub(crate) async fn search_everything(
    State(app): State<App>,
    caller: Caller<ReadLicenses>,
    headers: HeaderMap,
    Query(query, _): Query<SearchQuery>,
) -> Result<Response> {
    let typed = query.q.as_deref().unwrap_or_default().trim();
    expect_short(typed)?;
    freshness::of_search(&app, &headers).await?;
    freshness::of_read_model(&app, &headers, "license_state").await?;
    let mut items = by_key(&app, &caller, typed).await?;
    let named = by_name(&app, &caller, typed).await?;
    let named = named
        .into_iter()
        .filter(|thing| items.iter().all(|known| known.id != thing.id));
    items.extend(named.collect::<Vec<_>>());
    items.sort_by(|one, other| {
        other
            .score
            .total_cmp(&one.score)
            .then_with(|| one.title.cmp(&other.title))
    });
    items.truncate(BEST);
    Ok(render::answer(
        StatusCode::OK,
        render::json(&admin::Found { items }),
        &[],
    ))
}

/// Refuses what nobody types.
fn expect_short(typed: &str) -> Result<()> {
    if typed.chars().count() > MAX_TYPED {
        return Err(refused("q", format!("A search has at most {MAX_TYPED} characters.")));
    }
    Ok(())
}

/// The things of one kind that are called so.
pub(super) async fn ids<D: Resource>(
    app: &App,
    caller: &Principal,
    headers: &HeaderMap,
    typed: &str,
) -> Result<Vec<Uuid>> {
    expect_short(typed)?;
    freshness::of_search(app, headers).await?;
    let words = app.platform.typed(&caller.tenant, typed).await?;
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let kinds = [D::KIND.name.to_owned()];
    let found = search::find(&app.reader, &caller.tenant, &kinds, &words, Total::EXACT_UP_TO + 1).await;
    Ok(found.map_err(unavailable)?.into_iter().map(|thing| thing.id).collect())
}

/// Licenses with this key, or with this last group.
async fn by_key(app: &App, caller: &Principal, typed: &str) -> Result<Vec<admin::FoundThing>> {
    let key = match app.platform.license_by_key(&caller.tenant, typed).await? {
        Some((id, _)) => KeySearch::License(id.0),
        None if typed.len() == 5 && typed.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            KeySearch::Ending(typed.to_uppercase())
        }
        None => return Ok(Vec::new()),
    };
    let filter = LicenseFilter {
        key: Some(key),
        ..LicenseFilter::default()
    };
    let request = PageRequest::first(5);
    let page = license_state::list(&app.reader, &caller.tenant, &filter, &request).await;
    let found = page
        .map_err(unavailable)?
        .items
        .into_iter()
        .map(|row| admin::FoundThing {
            kind: "license".to_owned(),
            id: row.license_id.to_string(),
            title: row.key_masked,
            detail: row.standing,
            score: KEY_SCORE,
        });
    Ok(found.collect())
}

/// Things that are called so, as far as the caller may know of them.
async fn by_name(app: &App, caller: &Principal, typed: &str) -> Result<Vec<admin::FoundThing>> {
    let kinds = [
        ("customer", Permission::ReadCustomers),
        ("license", Permission::ReadLicenses),
        ("operator", Permission::ReadOperators),
        ("policy", Permission::ReadPolicies),
        ("product", Permission::ReadProducts),
    ];
    let words = app.platform.typed(&caller.tenant, typed).await?;
    let mut candidates = Vec::new();
    // Each kind by itself: many of one must not hide the one of another.
    for (kind, permission) in kinds.iter().filter(|_| !words.is_empty()) {
        if caller.may(*permission, app) {
            let kinds = [(*kind).to_owned()];
            let some = search::find(&app.reader, &caller.tenant, &kinds, &words, CANDIDATES).await;
            candidates.extend(some.map_err(unavailable)?);
        }
    }
    // Their names are sealed each with a key of its own: one look at the vault for all of them.
    let people = candidates
        .iter()
        .filter(|thing| matches!(&thing.kind[..], "customer" | "operator"));
    let people: Vec<Uuid> = people.map(|thing| thing.id).collect();
    app.platform.person_sealers(&caller.tenant, &people).await?;
    let mut found = Vec::new();
    for thing in candidates {
        // Hashes find a little more than what was typed, and the index may be behind.
        let named = app
            .platform
            .named(&caller.tenant, &thing.kind, thing.id, Look::Remembered)
            .await?;
        if let Some(named) = named.filter(|named| !named.retired)
            && let Some(score) = score(typed, &named.text)
        {
            let in_title = licet_domain::search::score(typed, &named.title).is_some();
            found.push(admin::FoundThing {
                kind: thing.kind,
                id: thing.id.to_string(),
                score: if in_title { score } else { score * 0.9 },
                title: named.title,
                detail: named.detail,
            });
        }
    }
    Ok(found)
}
