//! What mails say, in English and in German.

use serde_json::Value;

use super::Licensee;

/// In which language mails are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
}

impl std::str::FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_lowercase().as_str() {
            "en" => Ok(Self::English),
            "de" => Ok(Self::German),
            _ => Err(format!("{text:?} is not en or de")),
        }
    }
}

/// A mail's text.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

fn text(facts: &Value, name: &str) -> String {
    match &facts[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The day of a time in RFC 3339.
fn day(facts: &Value, name: &str) -> String {
    text(facts, name).chars().take(10).collect()
}

pub(super) fn expiry(language: Language, license: &Licensee, facts: &Value) -> Text {
    let Licensee {
        name,
        product,
        key_masked,
        ..
    } = license;
    let end = day(facts, "expires_at");
    match language {
        Language::English => Text {
            subject: format!("Your license for {product} ends on {end}"),
            body: format!(
                "Dear {name},\n\nyour license {key_masked} for {product} ends on {end}.\n\
                 Please renew it in time, so that your installations go on working.\n"
            ),
        },
        Language::German => Text {
            subject: format!("Ihre Lizenz für {product} endet am {end}"),
            body: format!(
                "Guten Tag {name},\n\nIhre Lizenz {key_masked} für {product} endet am {end}.\n\
                 Bitte verlängern Sie sie rechtzeitig, damit Ihre Installationen weiter arbeiten.\n"
            ),
        },
    }
}

pub(super) fn revoked(language: Language, license: &Licensee, facts: &Value) -> Text {
    let Licensee {
        name,
        product,
        key_masked,
        ..
    } = license;
    let reason = text(facts, "reason");
    let because = |word: &str| {
        if reason.is_empty() {
            String::new()
        } else {
            format!("\n{word}: {reason}\n")
        }
    };
    match language {
        Language::English => Text {
            subject: format!("Your license for {product} was revoked"),
            body: format!(
                "Dear {name},\n\nyour license {key_masked} for {product} was revoked and no longer works.\n{}",
                because("Reason")
            ),
        },
        Language::German => Text {
            subject: format!("Ihre Lizenz für {product} wurde widerrufen"),
            body: format!(
                "Guten Tag {name},\n\nIhre Lizenz {key_masked} für {product} wurde widerrufen und gilt nicht mehr.\n{}",
                because("Grund")
            ),
        },
    }
}

pub(super) fn anomaly(language: Language, facts: &Value) -> Text {
    let (rule, severity) = (text(facts, "rule"), text(facts, "severity"));
    let (license, found) = (text(facts, "license_id"), text(facts, "facts"));
    match language {
        Language::English => Text {
            subject: format!("Anomaly: {rule} ({severity})"),
            body: format!(
                "The rule {rule} found something of severity {severity}.\n\nLicense: {license}\nFacts: {found}\n"
            ),
        },
        Language::German => Text {
            subject: format!("Auffälligkeit: {rule} ({severity})"),
            body: format!(
                "Die Regel {rule} hat etwas vom Grad {severity} gefunden.\n\nLizenz: {license}\nFakten: {found}\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_languages_name_product_key_and_day() {
        let license = Licensee {
            name: "Universität Wien".to_owned(),
            product: "Studio".to_owned(),
            key_masked: "LIC-*****-1111C".to_owned(),
            expires_at: None,
        };
        let facts = json!({ "expires_at": "2027-01-31T12:00:00.000Z", "days": 7 });
        for (language, word) in [(Language::English, "ends on"), (Language::German, "endet am")] {
            let mail = expiry(language, &license, &facts);
            assert!(mail.subject.contains(word) && mail.subject.contains("2027-01-31"));
            assert!(mail.body.contains("LIC-*****-1111C") && mail.body.contains("Universität Wien"));
        }
        let mail = revoked(Language::German, &license, &json!({ "reason": "unbezahlt" }));
        assert!(mail.body.contains("Grund: unbezahlt"));
        assert!(!revoked(Language::English, &license, &json!({})).body.contains("Reason"));
    }
}
