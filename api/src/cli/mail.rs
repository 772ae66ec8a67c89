//! How a server sends mail.

use licet_workers::mail::{Language, MailSettings};

/// How mail is sent; none is sent without a server.
#[derive(clap::Args)]
pub(super) struct MailOptions {
    /// The mail server, such as `smtps://user:password@mail.example.com`.
    #[arg(long, env = "SMTP_URL", hide_env_values = true, value_name = "URL")]
    smtp_url: Option<String>,
    /// Who mail is from.
    #[arg(
        long,
        env = "MAIL_FROM",
        default_value = "Licet <licet@localhost>",
        value_name = "ADDRESS"
    )]
    mail_from: String,
    /// Who hears of anomalies.
    #[arg(long, env = "MAIL_TO", value_name = "ADDRESS")]
    mail_to: Option<String>,
    /// In which language mail is written: en or de.
    #[arg(long, env = "MAIL_LANGUAGE", default_value = "en", value_name = "LANGUAGE")]
    mail_language: Language,
}

impl MailOptions {
    /// Whether there is a server for it.
    pub(super) fn is_set(&self) -> bool {
        self.smtp_url.is_some()
    }

    /// Where the mail server is.
    pub(super) fn server(&self) -> Option<&str> {
        self.smtp_url.as_deref()
    }

    pub(super) fn settings(self) -> Option<MailSettings> {
        Some(MailSettings {
            smtp_url: self.smtp_url?,
            from: self.mail_from,
            operators: self.mail_to,
            language: self.mail_language,
        })
    }
}
