//! `/api/admin/mails`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use licet_contracts::{Page, Problem, mail::Mail};
use licet_domain::{
    operation::{MailResent, OperationEvent},
    permission::needed::{ReadMails, WriteMails},
    values::Timestamp,
};
use licet_projections::queues::mails::{self, MailRow};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::reading::{self, PageQuery};
use crate::{
    App,
    auth::{Caller, guarded},
    extract::{Path, Query},
    idempotency,
    problem::{MAIL, Problem as Refusal, Result, unavailable},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(guarded!(list_mails))
        .routes(guarded!(resend_mail))
}

/// What a mail is about, as one part of an address.
fn shown(mail_id: &str) -> String {
    mail_id.replace('/', ".")
}

fn shape(row: MailRow) -> Mail {
    let time = |moment: OffsetDateTime| Timestamp::from(moment).to_string();
    Mail {
        id: shown(&row.mail_id),
        kind: row.kind,
        subject_id: row.subject_id.to_string(),
        next_attempt_at: (row.status == "pending").then(|| time(row.next_attempt_at)),
        status: row.status,
        attempts: row.attempts,
        created_at: time(row.created_at),
        sent_at: row.settled_at.map(time),
        last_error: row.last_error,
    }
}

/// A place in the list: when a mail was queued, in microseconds, and its id.
fn read_cursor(text: &str) -> Option<(OffsetDateTime, String)> {
    let (micros, id) = text.split_once('-')?;
    Some((reading::cursor_moment(micros)?, id.replace('.', "/")))
}

/// How a mail stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailStatus {
    Pending,
    Sent,
    Dead,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MailQuery {
    /// Those that stand so.
    #[param(inline)]
    status: Option<MailStatus>,
}

/// List mails, newest first.
#[utoipa::path(get, path = "/api/admin/mails", tag = "mails",
    params(PageQuery, MailQuery),
    responses((status = 200, description = "A page.", body = Page<Mail>)), security(("api_key" = [])))]
pub(crate) async fn list_mails(
    State(app): State<App>,
    caller: Caller<ReadMails>,
    Query(page, filter): Query<PageQuery, MailQuery>,
) -> Result<Response> {
    let limit = page.limit();
    let status = filter.status.map(|status| match status {
        MailStatus::Pending => "pending",
        MailStatus::Sent => "sent",
        MailStatus::Dead => "dead",
    });
    let before = page.after(read_cursor)?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let rows = mails::list(
        app.platform.log.report_pool(),
        &caller.tenant,
        status,
        before,
        limit + 1,
    )
    .await
    .map_err(unavailable)?;
    let most = page.most();
    let counted = mails::count(app.platform.log.report_pool(), &caller.tenant, status, most).await;
    let total = reading::total(counted.map_err(unavailable)?, most);
    let place = |row: &MailRow| format!("{}-{}", reading::moment_in_cursor(row.created_at), shown(&row.mail_id));
    Ok(reading::slice(rows, limit, total, place, shape))
}

/// Try a mail again from the beginning, a dead one too.
#[utoipa::path(post, path = "/api/admin/mails/{id}/resend", tag = "mails", params(("id" = String, Path)),
    responses((status = 202, description = "On its way."), (status = 404, description = "`MAIL_NOT_FOUND`", body = Problem)), security(("api_key" = [])))]
pub(crate) async fn resend_mail(
    State(app): State<App>,
    caller: Caller<WriteMails>,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let route = format!("ResendMail/{id}");
    let about = (&route[..], &[][..], StatusCode::ACCEPTED);
    let (answer, _) = idempotency::once_outside_log(&app, &caller, &headers, about, || async {
        // Postgres takes no such character.
        if id.contains('\0') {
            return Err(Refusal::not_found(MAIL));
        }
        let (pool, mail_id) = (app.platform.log.pool(), id.replace('.', "/"));
        let known = mails::exists(pool, &caller.tenant, &mail_id).await;
        if !known.map_err(unavailable)? {
            return Err(Refusal::not_found(MAIL));
        }
        let context = caller.context(&app, None);
        let resent = OperationEvent::MailResent(MailResent {
            mail_id: mail_id.clone(),
            at: context.now,
        });
        app.platform.record_operation(&context, &mail_id, &resent).await?;
        mails::resend(pool, &caller.tenant, &mail_id)
            .await
            .map_err(unavailable)?;
        Ok("{}".to_owned())
    })
    .await?;
    Ok(answer)
}
