//! How the server's words read: codes of states, roles and events, in the person's language; moments and numbers.

use crate::{
    event_names::german,
    preferences::{Language, code, language},
    text::{Text, t},
};

/// A state as people read it; one that this app does not know yet stays as it is.
pub(crate) fn state(code: &str) -> String {
    let text = match code {
        "active" => Text::Active,
        "suspended" => Text::Suspended,
        "revoked" => Text::Revoked,
        "expired" => Text::Expired,
        "not_yet_valid" => Text::NotYetValid,
        "retired" => Text::Retired,
        "silent" => Text::Silent,
        "deactivated" => Text::Deactivated,
        "invited" => Text::Invited,
        "locked" => Text::Locked,
        "disabled" => Text::Disabled,
        "holds" => Text::Holds,
        "damaged" => Text::Damaged,
        "running" => Text::Running,
        "done" => Text::RunDone,
        "failed" => Text::Failed,
        "cut_off" => Text::CutOff,
        "create" => Text::MakeBackup,
        "verify" => Text::RestoreAndCheck,
        "files" => Text::CheckFiles,
        "drill" => Text::PracticeRestore,
        "open" => Text::OpenState,
        "acknowledged" => Text::Acknowledged,
        "dismissed" => Text::Dismissed,
        "low" => Text::Low,
        "medium" => Text::Medium,
        "high" => Text::High,
        "true" => Text::Yes,
        "blocked" => Text::Blocked,
        "over" => Text::Over,
        "live" => Text::Live,
        "ended" => Text::Ended,
        "signing_in" => Text::SigningIn,
        "published" => Text::Published,
        "yanked" => Text::Yanked,
        "signed_out" => Text::SignedOut,
        "idle" => Text::Idle,
        "password_changed" => Text::PasswordChanged,
        "operator_changed" => Text::OperatorChanged,
        other => return other.replace('_', " "),
    };
    t(text).to_owned()
}

/// How a state is painted.
pub(crate) fn tone(code: &str) -> &'static str {
    match code {
        "active" | "live" | "published" | "holds" | "done" => "good",
        "open" | "medium" | "suspended" | "silent" | "invited" | "not_yet_valid" | "signing_in" | "locked"
        | "cut_off" => "warning",
        "high" | "revoked" | "expired" | "disabled" | "yanked" | "blocked" | "damaged" | "failed" => "bad",
        _ => "plain",
    }
}

/// What happened, such as `license.suspended`, in words.
pub(crate) fn event(name: &str) -> String {
    if language() == Language::German
        && let Some(german) = german(name)
    {
        return german.to_owned();
    }
    sentence(name)
}

fn sentence(name: &str) -> String {
    let words = name.replace(['.', '_'], " ");
    let mut characters = words.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).collect()
}

/// Milliseconds since 1970 of an RFC 3339 time.
fn millis(time: &str) -> Option<f64> {
    let parsed = js_sys::Date::parse(time);
    (!parsed.is_nan()).then_some(parsed)
}

/// Whole seconds from one moment to another, at least one.
pub(crate) fn seconds_between(begin: &str, end: &str) -> Option<i64> {
    let seconds = (millis(end)? - millis(begin)?) / 1_000.0;
    Some(seconds.ceil().max(1.0) as i64)
}

/// A moment in full, in the browser's zone.
pub(crate) fn moment(time: &str) -> String {
    let Some(parsed) = millis(time) else {
        return time.to_owned();
    };
    let date = js_sys::Date::new(&parsed.into());
    let locale = match language() {
        Language::English => "en-GB",
        Language::German => "de-DE",
    };
    let text = date.to_locale_string(locale, &wasm_bindgen::JsValue::UNDEFINED);
    String::from(text)
}

/// How long ago a moment was, or how far it is.
pub(crate) fn relative(time: &str) -> String {
    let Some(parsed) = millis(time) else {
        return time.to_owned();
    };
    let seconds = (parsed - js_sys::Date::now()) / 1_000.0;
    let (number, unit) = match seconds.abs() {
        size if size < 45.0 => return t(Text::JustNow).to_owned(),
        size if size < 2_700.0 => (seconds / 60.0, "minute"),
        size if size < 79_200.0 => (seconds / 3_600.0, "hour"),
        size if size < 5_184_000.0 => (seconds / 86_400.0, "day"),
        size if size < 63_072_000.0 => (seconds / 2_629_800.0, "month"),
        _ => (seconds / 31_557_600.0, "year"),
    };
    // The browser knows how many minutes are one.
    let locales = js_sys::Array::of1(&code(language()).into());
    let format = js_sys::Intl::RelativeTimeFormat::new(&locales, &js_sys::Object::new());
    let whole = number.abs().round().max(1.0).copysign(number);
    String::from(format.format(whole, unit))
}

/// A number with its thousands apart.
pub(crate) fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let between = if code(language()) == "de" { '.' } else { ',' };
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(between);
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

/// What of a text is shown: without what turns the direction of the text around it.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.chars().filter(|c| !turns(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_sentences() {
        assert_eq!(sentence("license.key_revealed"), "License key revealed");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn names_turn_nothing_around_them() {
        assert_eq!(plain("a\u{202e}b\u{2066}c"), "abc");
    }
}
