//! `/api/admin/operators`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use licet_commands::operator::{InvitedOperator, NewOperator, OperatorChange, OperatorPerson};
use licet_contracts::{Page, Problem, admin};
use licet_domain::{
    Resource as _,
    operator::Operator,
    permission::{
        Role,
        needed::{ReadOperators, WriteOperators},
    },
    session::EndReason,
};
use licet_projections::{PageRequest, resources};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    reading::{self, AsOfQuery, HistoryQuery, ListQuery, Moment},
    resource::{self, Shown},
    sessions,
};
use crate::{
    App,
    auth::{Caller, Principal, guarded, site_of},
    extract::{Json, Path, Query, invalid_field},
    freshness, idempotency,
    problem::{Problem as Refusal, Result, unavailable},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(invite_operator, list_operators))
        .routes(guarded!(read_operator, edit_operator))
        .routes(guarded!(operator_events))
        .routes(guarded!(disable_operator))
        .routes(guarded!(enable_operator))
        .routes(guarded!(reset_operator_totp))
        .routes(guarded!(unlock_operator))
        .routes(guarded!(reinvite_operator))
}

/// What an operator's events do not say in the clear, and what depends on when one asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct OperatorExtra {
    person: Option<OperatorPerson>,
    locked_until: Option<String>,
    setup_url: Option<String>,
}

impl Shown for Operator {
    type Shape = admin::Operator;
    type Extra = OperatorExtra;

    async fn extras(
        app: &App,
        caller: &Principal,
        things: &[(Uuid, &Self)],
        moment: Option<Moment>,
    ) -> Result<Vec<OperatorExtra>> {
        let at = moment.map_or_else(|| app.platform.edge.now(), |moment| moment.at);
        let mut extras = Vec::with_capacity(things.len());
        for (_, state) in things {
            let Some(facts) = state.facts() else {
                extras.push(OperatorExtra::default());
                continue;
            };
            extras.push(OperatorExtra {
                person: Some(app.platform.operator_person(&caller.tenant, facts).await?),
                locked_until: facts.locked_until(None, at).map(|until| until.to_string()),
                setup_url: None,
            });
        }
        Ok(extras)
    }

    /// Failures and codes that were used are none of it.
    fn editable(&self) -> Value {
        self.facts().map_or(Value::Null, |operator| {
            json!([operator.name, operator.role, operator.disabled])
        })
    }

    fn shape(&self, extra: &OperatorExtra) -> Option<admin::Operator> {
        let facts = self.facts()?;
        let status = match () {
            () if facts.disabled => "disabled",
            () if facts.password.is_none() => "invited",
            () if extra.locked_until.is_some() => "locked",
            () => "active",
        };
        let person = extra.person.as_ref();
        Some(admin::Operator {
            id: facts.id.to_string(),
            name: person.map(|person| person.name.clone()),
            email: person.map(|person| person.email.clone()),
            role: facts.role.as_str().to_owned(),
            status: status.to_owned(),
            has_second_factor: facts.factor.is_some(),
            recovery_codes_left: facts.recovery_codes.len(),
            locked_until: extra.locked_until.clone(),
            created_at: facts.created_at.to_string(),
            setup_url: extra.setup_url.clone(),
        })
    }
}

/// An operator who was just invited, with the link.
fn invited(site: &str, person: &OperatorPerson, made: &InvitedOperator) -> Result<Reply> {
    let extra = OperatorExtra {
        person: Some(person.clone()),
        locked_until: None,
        setup_url: Some(format!("{site}/setup?token={}", made.token)),
    };
    let reply = resource::reply(&made.operator, &extra);
    reply.ok_or_else(|| Refusal::not_found(Operator::KIND))
}

fn role(text: &str) -> Result<Role> {
    let read = serde_json::from_value(Value::from(text));
    let detail = "This is owner, admin, support, sales, analyst or auditor.";
    read.map_err(|_| invalid_field("/role", detail))
}

/// Invite an operator, by a link that is good once within a day; it is answered here, and nowhere else.
#[utoipa::path(post, path = "/api/admin/operators", tag = "operators", request_body = admin::InviteOperator,
    responses((status = 201, description = "Invited.", body = admin::Operator),
        (status = 409, description = "`OPERATOR_EMAIL_TAKEN`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn invite_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    parts: Parts,
    Json { value, bytes }: Json<admin::InviteOperator>,
) -> Result<Response> {
    let site = site_of(&parts, &app);
    let about = ("invite_operator", &bytes[..], StatusCode::CREATED);
    idempotency::once(&app, &caller, &parts.headers, about, async |context| {
        let person = OperatorPerson {
            name: value.name.clone(),
            email: value.email.clone(),
        };
        let new = NewOperator {
            role: role(&value.role)?,
            name: value.name,
            email: value.email,
        };
        let kept =
            |made: &InvitedOperator| invited(&site, &person, made).map_or_else(|_| String::new(), |reply| reply.kept());
        let done = app.platform.invite_operator(&context, new, &kept).await?;
        Ok(invited(&site, &person, &done.value)?.answer(StatusCode::CREATED, done.position))
    })
    .await
}

/// Invite an operator again who has set no password yet; the link before is good no more.
#[utoipa::path(post, path = "/api/admin/operators/{id}/reinvite", tag = "operators", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Invited again.", body = admin::Operator),
        (status = 409, description = "`OPERATOR_HAS_PASSWORD`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn reinvite_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    parts: Parts,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Operator::KIND)?;
    let site = site_of(&parts, &app);
    let route = format!("reinvite_operator/{id}");
    let about = (&route[..], &[][..], StatusCode::OK);
    let person = person(&app, &caller, id).await?;
    idempotency::once(&app, &caller, &parts.headers, about, async |context| {
        let kept =
            |made: &InvitedOperator| invited(&site, &person, made).map_or_else(|_| String::new(), |reply| reply.kept());
        let done = app.platform.reinvite_operator(&context, id, &kept).await?;
        Ok(invited(&site, &person, &done.value)?.answer(StatusCode::OK, done.position))
    })
    .await
}

async fn person(app: &App, caller: &Principal, id: Uuid) -> Result<OperatorPerson> {
    let known = reading::state(caller, app.platform.of::<Operator>(), id, None).await?;
    let facts = known.state.facts().ok_or_else(|| Refusal::not_found(Operator::KIND))?;
    Ok(app.platform.operator_person(&caller.tenant, facts).await?)
}

/// List the operators, disabled ones too, by when they were invited.
#[utoipa::path(get, path = "/api/admin/operators", tag = "operators", params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<admin::Operator>)), security(("api_key" = [])))]
pub(crate) async fn list_operators(
    State(app): State<App>,
    caller: Caller<ReadOperators>,
    headers: HeaderMap,
    Query(query, _): Query<ListQuery>,
) -> Result<Response> {
    let request = PageRequest {
        retired: None,
        ..query.request()?
    };
    resource::list::<Operator>(&app, &caller, &headers, request, None).await
}

/// Read an operator, now or as it was.
#[utoipa::path(get, path = "/api/admin/operators/{id}", tag = "operators", params(("id" = uuid::Uuid, Path), AsOfQuery),
    responses((status = 200, description = "The operator.", body = admin::Operator)), security(("api_key" = [])))]
pub(crate) async fn read_operator(
    State(app): State<App>,
    caller: Caller<ReadOperators>,
    Query(query, _): Query<AsOfQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::read::<Operator>(&app, &caller, &query, &id).await
}

/// Read an operator's history.
#[utoipa::path(get, path = "/api/admin/operators/{id}/events", tag = "operators", params(("id" = uuid::Uuid, Path), HistoryQuery),
    responses((status = 200, description = "Its events, oldest first.", body = Page<admin::Event>)), security(("api_key" = [])))]
pub(crate) async fn operator_events(
    State(app): State<App>,
    caller: Caller<ReadOperators>,
    Query(query, _): Query<HistoryQuery>,
    Path(id): Path,
) -> Result<Response> {
    resource::history::<Operator>(&app, &caller, &query, &id).await
}

/// Rename an operator, or give it another role.
#[utoipa::path(patch, path = "/api/admin/operators/{id}", tag = "operators", request_body = admin::EditOperator,
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    responses((status = 200, description = "Changed.", body = admin::Operator),
        (status = 409, description = "`LAST_OWNER`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn edit_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    headers: HeaderMap,
    Path(id): Path,
    Json { value, .. }: Json<admin::EditOperator>,
) -> Result<Response> {
    let (id, tag) = resource::target::<Operator>(&id, &headers)?;
    let edit = OperatorChange::Edit {
        name: value.name,
        role: value.role.as_deref().map(role).transpose()?,
    };
    change(&app, &caller, id, &edit, &resource::unchanged(&tag)).await
}

/// Let nobody in under this name any more; its sessions end.
#[utoipa::path(post, path = "/api/admin/operators/{id}/disable", tag = "operators", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Disabled.", body = admin::Operator),
        (status = 409, description = "`LAST_OWNER`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn disable_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    Path(id): Path,
) -> Result<Response> {
    change_and_end(&app, &caller, &id, &OperatorChange::Disable).await
}

/// Let an operator in again.
#[utoipa::path(post, path = "/api/admin/operators/{id}/enable", tag = "operators", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Enabled.", body = admin::Operator)), security(("api_key" = [])))]
pub(crate) async fn enable_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Operator::KIND)?;
    change(&app, &caller, id, &OperatorChange::Enable, &|_| true).await
}

/// Take an operator's second factor away; its sessions end, and the next log-in enrolls another one.
#[utoipa::path(post, path = "/api/admin/operators/{id}/reset-totp", tag = "operators", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Reset.", body = admin::Operator)), security(("api_key" = [])))]
pub(crate) async fn reset_operator_totp(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    Path(id): Path,
) -> Result<Response> {
    change_and_end(&app, &caller, &id, &OperatorChange::ResetFactor).await
}

/// Forget an operator's failures to get in.
#[utoipa::path(post, path = "/api/admin/operators/{id}/unlock", tag = "operators", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "Unlocked.", body = admin::Operator)), security(("api_key" = [])))]
pub(crate) async fn unlock_operator(
    State(app): State<App>,
    caller: Caller<WriteOperators>,
    Path(id): Path,
) -> Result<Response> {
    let id = reading::id(&id, Operator::KIND)?;
    change(&app, &caller, id, &OperatorChange::Unlock, &|_| true).await
}

async fn change_and_end(app: &App, caller: &Principal, id: &str, order: &OperatorChange) -> Result<Response> {
    let id = reading::id(id, Operator::KIND)?;
    let answer = change(app, caller, id, order, &|_| true).await?;
    let context = caller.context(app, None);
    sessions::end_all_of(app, &context, id, None, EndReason::OperatorChanged).await?;
    Ok(answer)
}

async fn change(
    app: &App,
    caller: &Principal,
    id: Uuid,
    order: &OperatorChange,
    unchanged: &(dyn Fn(&Operator) -> bool + Sync),
) -> Result<Response> {
    let context = caller.context(app, None);
    let owners = owners(app, caller).await?;
    let done = app
        .platform
        .change_operator(&context, id, order, &owners, unchanged, &|_| String::new())
        .await?;
    let extras = Operator::extras(app, caller, &[(id, &done.value)], None).await?;
    let reply = resource::reply(&done.value, &extras[0]).ok_or_else(|| Refusal::not_found(Operator::KIND))?;
    Ok(reply.answer(StatusCode::OK, done.position))
}

/// The owners that are known by now.
async fn owners(app: &App, caller: &Principal) -> Result<Vec<Uuid>> {
    let position = app.platform.log.position().await.map_err(unavailable)?;
    freshness::wait(app, "resources", position).await?;
    let request = PageRequest {
        min_position: position,
        ..PageRequest::first(1_000)
    };
    let page = resources::list::<Operator>(&app.reader, &caller.tenant, None, &request).await;
    let rows = page.map_err(unavailable)?.items.into_iter();
    let is_owner = |state: &Operator| state.facts().is_some_and(|operator| operator.role == Role::Owner);
    Ok(rows.filter(|row| is_owner(&row.state)).map(|row| row.id).collect())
}
