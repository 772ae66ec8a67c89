//! `licet doctor`: looks over all that a server needs, and says what to do. It takes the settings of `licet serve`, and
//! changes nothing.

mod certificate;
mod database;
mod log;
mod outside;
mod places;
mod secrets;

use std::process::ExitCode;

use serde::Serialize;

use super::{Location, Output, serve};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// It goes on, and should not stay so.
    Warning,
    /// The server does not start with it, or loses something.
    Problem,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at, such as `database`.
    check: &'static str,
    status: Status,
    /// What was seen.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            detail: detail.into(),
            advice: None,
        }
    }

    fn warning(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            status: Status::Warning,
            advice: Some(advice.into()),
            ..Self::ok(check, detail)
        }
    }

    fn problem(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            status: Status::Problem,
            ..Self::warning(check, detail, advice)
        }
    }
}

/// Looks at everything, tells all of it, and ends well where there is no problem.
pub(super) async fn run(location: Location, options: serve::Options, output: Output) -> anyhow::Result<ExitCode> {
    // That the settings can be read was seen when they were.
    let mut found = vec![Finding::ok("settings", "each can be read")];
    found.extend(secrets::look(&location));
    let secret_key = secrets::secret_key(&location);
    let ready = database::look(&location, &options, &mut found).await;
    if let Some(database) = &ready {
        log::look(&location, database, secret_key.as_deref(), &mut found).await;
    }
    found.extend(places::look(&location));
    places::backups(&location, &options, secret_key.as_deref(), ready.as_ref(), &mut found).await;
    found.extend(outside::look(&options));
    found.extend(certificate::look(options.public_url()).await);
    let worst = found.iter().map(|one| one.status).max().unwrap_or(Status::Ok);
    output.result(&serde_json::json!({ "status": worst, "findings": found }), |_| {
        tell(&found)
    });
    Ok(match worst {
        Status::Problem => ExitCode::FAILURE,
        Status::Ok | Status::Warning => ExitCode::SUCCESS,
    })
}

fn tell(found: &[Finding]) -> String {
    let mut lines: Vec<String> = found.iter().map(line).collect();
    let count = |status| found.iter().filter(|one| one.status == status).count();
    lines.push(match (count(Status::Problem), count(Status::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (problems, warnings) => format!("{problems} problems, {warnings} warnings."),
    });
    lines.join("\n")
}

fn line(one: &Finding) -> String {
    let mark = match one.status {
        Status::Ok => "ok     ",
        Status::Warning => "WARNING",
        Status::Problem => "PROBLEM",
    };
    let advice = one.advice.as_ref().map(|advice| format!("\n{:24}-> {advice}", ""));
    format!(
        "{mark}  {:<13}  {}{}",
        one.check,
        one.detail,
        advice.unwrap_or_default()
    )
}
