//! Mail: for expiry ahead, revocation and anomalies. Driven by the log and by the calendar into a queue that names what
//! each mail is about, so that none is sent twice; names and addresses are looked up when it is sent.

mod template;

use std::{str::FromStr as _, sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use lettre::{
    Message, SmtpTransport, Transport as _,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use licet_commands::{Platform, customer::CustomerView};
use licet_domain::values::{Email, LicenseId, Timestamp};
use licet_event_store::{LogTable, RecordedEvent, Tenant};
use licet_projections::{
    license_state::{self, EndingLicense},
    queues::{
        consumers,
        mails::{self, DueMail, NewMail},
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

pub use template::Language;

use crate::{Worker, WorkerError, metrics::METRICS};

/// How many days before its end a license's customer is told.
const DAYS_AHEAD: [i64; 2] = [30, 7];
const CONSUMER: &str = "mail";
const PAGE_SIZE: i64 = 1_000;
/// Mails taken at once: however slow the server is, one is sent within the time for which it is taken.
const CONCURRENCY: i64 = 1;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The server, such as `smtps://user:password@mail.example.com` or `smtp://127.0.0.1:25`.
    pub smtp_url: String,
    /// Who it is from.
    pub from: String,
    /// Who hears of anomalies; nobody where it is absent.
    pub operators: Option<String>,
    /// In which language.
    pub language: Language,
}

/// Sends mail.
pub struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
    operators: Option<Mailbox>,
    language: Language,
}

impl Mailer {
    /// Reads the settings; nothing is sent yet.
    pub fn new(settings: &MailSettings) -> Result<Self, WorkerError> {
        let transport = SmtpTransport::from_url(&settings.smtp_url)
            .map_err(|error| WorkerError::of("reading SMTP_URL")(error.into()))?
            .timeout(Some(Duration::from_secs(20)))
            .build();
        let address = |text: &str| {
            Mailbox::from_str(text).map_err(|error| WorkerError::of("reading a mail address")(error.into()))
        };
        Ok(Self {
            transport,
            from: address(&settings.from)?,
            operators: settings.operators.as_deref().map(address).transpose()?,
            language: settings.language,
        })
    }
}

fn database(what: &'static str) -> impl FnOnce(licet_event_store::StoreError) -> WorkerError {
    move |error| WorkerError::of(what)(error.into())
}

/// One turn: queue what the log and the calendar ask for, then send what is due.
pub(crate) async fn turn(worker: &Worker, mailer: &Arc<Mailer>) -> Result<(), WorkerError> {
    let platform = &worker.platform;
    while queue_events(platform).await? {}
    queue_expiries(platform).await?;
    while !*worker.ending.borrow() {
        let due = mails::take_due(platform.log.pool(), CONCURRENCY)
            .await
            .map_err(database("reading the queue of mails"))?;
        if due.is_empty() {
            return Ok(());
        }
        for mail in due {
            send_and_note(worker, mailer, mail).await?;
        }
    }
    Ok(())
}

async fn send_and_note(worker: &Worker, mailer: &Arc<Mailer>, mail: DueMail) -> Result<(), WorkerError> {
    let pool = worker.platform.log.pool();
    let outcome = send(&worker.platform, mailer, &mail).await;
    let note = async || match &outcome {
        Ok(()) => mails::sent(pool, &mail).await,
        Err(refusal) => mails::failed(pool, &mail, &refusal.cause, refusal.hopeless).await,
    };
    worker.note(note).await.map_err(database("noting a mail"))?;
    METRICS.mail(mail.mail.kind, if outcome.is_ok() { "sent" } else { "failed" });
    Ok(())
}

/// Revocations and anomalies since the last turn. The first turn of a new installation begins at the present. Answers
/// whether there is more.
async fn queue_events(platform: &Platform) -> Result<bool, WorkerError> {
    let pool = platform.log.pool();
    let head = platform.log.position().await.map_err(database("reading the log"))?;
    let after = consumers::position(pool, CONSUMER, head)
        .await
        .map_err(database("reading the mail's place"))?;
    let events: Vec<RecordedEvent> = Box::pin(platform.log.tail_from(LogTable::Events, after, PAGE_SIZE))
        .try_collect()
        .await
        .map_err(database("reading the log"))?;
    // Beats and refusals, which nobody is mailed of, are behind it all the same.
    let full = events.len() as i64 == PAGE_SIZE;
    let last = events.last().map_or(0, |event| event.position);
    let until = if full { last } else { head.max(last) };
    if until <= after {
        return Ok(false);
    }
    let wanted: Vec<NewMail> = events.iter().filter_map(mail_of).collect();
    mails::enqueue(pool, &wanted, Some((CONSUMER, (after, until))))
        .await
        .map_err(database("queuing mails"))?;
    Ok(full)
}

fn mail_of(event: &RecordedEvent) -> Option<NewMail> {
    let kind = match event.event_type.as_str() {
        "license.revoked" => "revoked",
        "anomaly.found" => "anomaly",
        _ => return None,
    };
    Some(NewMail {
        mail_id: format!("{kind}/{}", event.position),
        tenant: Tenant::new(&event.tenant_id),
        kind: kind.to_owned(),
        subject_id: event.aggregate_id.parse().ok()?,
        facts: event.payload.clone(),
    })
}

/// Licenses that end soon: one mail for each end and each number of days ahead. Who comes late to the first gets only
/// the nearer one.
async fn queue_expiries(platform: &Platform) -> Result<(), WorkerError> {
    let (pool, now) = (platform.log.pool(), platform.edge.now());
    let mut nearer = now;
    for days in DAYS_AHEAD.into_iter().rev() {
        let until = now.plus_seconds(days * 86_400);
        let mut after = (time::OffsetDateTime::from(nearer), Uuid::max());
        loop {
            let ending = license_state::ending_untold(pool, after, (until, days), PAGE_SIZE).await;
            let ending = ending.map_err(database("looking for licenses that end soon"))?;
            let mails: Vec<NewMail> = ending.iter().map(|license| expiry(license, days)).collect();
            mails::enqueue(pool, &mails, None)
                .await
                .map_err(database("queuing mails"))?;
            match ending.last() {
                Some(last) if ending.len() as i64 == PAGE_SIZE => after = (last.expires_at, last.license_id),
                _ => break,
            }
        }
        nearer = until;
    }
    Ok(())
}

fn expiry(license: &EndingLicense, days: i64) -> NewMail {
    let end = Timestamp::from(license.expires_at);
    NewMail {
        // `ending_untold` knows this shape.
        mail_id: format!("expiry/{}/{}/{days}", license.license_id, end.seconds()),
        tenant: Tenant::new(&license.tenant_id),
        kind: "expiry".to_owned(),
        subject_id: license.license_id,
        facts: json!({ "expires_at": end, "days": days }).to_string(),
    }
}

/// Why a mail was not sent.
struct Refusal {
    cause: String,
    /// Whether trying again is of no use.
    hopeless: bool,
}

impl Refusal {
    fn hopeless(cause: &str) -> Self {
        Self {
            cause: cause.to_owned(),
            hopeless: true,
        }
    }

    fn passing(error: &dyn std::error::Error) -> Self {
        Self {
            cause: error.to_string(),
            hopeless: false,
        }
    }
}

async fn send(platform: &Platform, mailer: &Arc<Mailer>, due: &DueMail) -> Result<(), Refusal> {
    let mail = &due.mail;
    let facts: Value = serde_json::from_str(&mail.facts).unwrap_or_default();
    let (to, text) = if mail.kind == "anomaly" {
        let to = mailer
            .operators
            .clone()
            .ok_or(Refusal::hopeless("there is no MAIL_TO"))?;
        (to, template::anomaly(mailer.language, &facts))
    } else {
        let (to, license) = customer_of(platform, mail).await?;
        if mail.kind == "expiry" && facts["expires_at"] != json!(license.expires_at) {
            return Err(Refusal::hopeless("the license does not end then any more"));
        }
        let text = match mail.kind.as_str() {
            "revoked" => template::revoked(mailer.language, &license, &facts),
            _ => template::expiry(mailer.language, &license, &facts),
        };
        (to, text)
    };
    let address = to.email.to_string();
    let message = Message::builder()
        .from(mailer.from.clone())
        .to(to)
        .subject(text.subject)
        .message_id(Some(format!("<{}@licet>", mail.mail_id.replace('/', "."))))
        .header(ContentType::TEXT_PLAIN)
        .body(text.body)
        .map_err(|error| Refusal::hopeless(&error.to_string()))?;
    let mailer = Arc::clone(mailer);
    let sent = tokio::task::spawn_blocking(move || mailer.transport.send(&message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Refusal {
            hopeless: refuses_recipient(&error),
            // Servers name the recipient, who is kept nowhere in the clear.
            cause: error.to_string().replace(&address, "(the recipient)"),
        }),
        Err(error) => Err(Refusal::passing(&error)),
    }
}

/// Whether the server knows no such recipient (RFC 5321: 550, 551 and 553). Everything else may pass, a wrong password
/// (535) above all.
fn refuses_recipient(error: &smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| ["550", "551", "553"].contains(&code.as_str()))
}

/// What a template may say of a license.
pub(crate) struct Licensee {
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) key_masked: String,
    /// When it ends now.
    pub(crate) expires_at: Option<Timestamp>,
}

async fn customer_of(platform: &Platform, mail: &NewMail) -> Result<(Mailbox, Licensee), Refusal> {
    let license = platform.licenses.get(&mail.tenant, mail.subject_id).await;
    let license = license.map_err(|error| Refusal::passing(&error))?;
    let effective = platform.effective(&mail.tenant, &license).await;
    let effective = effective.map_err(|error| Refusal::passing(&error))?;
    debug_assert_eq!(effective.id(), LicenseId(mail.subject_id));
    let customer_id = effective.license().issued.customer_id;
    let customer = platform.resources.customers.get(&mail.tenant, customer_id.0).await;
    let customer = customer.map_err(|error| Refusal::passing(&error))?;
    let sealer = platform.person_sealer(&mail.tenant, customer_id).await;
    let sealer = sealer.map_err(|error| Refusal::passing(&error))?;
    let view = CustomerView::open(&customer.state, sealer.as_ref());
    let view = view.map_err(|error| Refusal::hopeless(&error.to_string()))?;
    let person = view.person.ok_or(Refusal::hopeless("the customer was forgotten"))?;
    let unreadable = || Refusal::hopeless("the mail address cannot be read");
    let address = Email::parse(&person.email).map_err(|_| unreadable())?.to_ascii();
    let address = address.parse().map_err(|_| unreadable())?;
    Ok((
        Mailbox::new(Some(person.name.clone()), address),
        Licensee {
            name: person.name,
            product: effective.product.name.as_str().to_owned(),
            key_masked: effective.license().issued.key_masked.clone(),
            expires_at: effective.license().expires_at,
        },
    ))
}
