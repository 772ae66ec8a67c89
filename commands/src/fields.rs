//! Reads a request's fields and keeps every complaint, so that a form can show all of them at once.

use std::collections::BTreeMap;

use licet_domain::values::{Feature, Features, Limit, Limits, Text, Timestamp, ValueError};
use serde_json::Value;
use url::Url;

use crate::{CommandError, FieldError};

/// Whether this can name a feature, a meter or a component: also Postgres must be able to look into events that hold it.
pub(crate) fn is_short_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= 64 && !name.chars().any(char::is_control)
}

/// An address to send to, or to fetch from: `https://…` or `http://…`.
pub(crate) fn web_address(text: &str) -> Result<Text<2000>, ValueError> {
    let text = Text::parse(text)?;
    let written = text.as_str();
    let plain = !written.contains(|c: char| c.is_whitespace() || c == '\\');
    // What stands in front of an `@` would be sent as a credential.
    let shaped = plain
        && written
            .split_once("://")
            .is_some_and(|(scheme, _)| ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
        && Url::parse(written).is_ok_and(|url| {
            let host = written.split("//").nth(1).is_some_and(|rest| !rest.starts_with('/'));
            host && url.username().is_empty() && url.password().is_none() && url.port() != Some(0)
        });
    if shaped {
        return Ok(text);
    }
    Err(ValueError {
        code: "URL_INVALID",
        detail: "this is not an http or https address without a user name".to_owned(),
    })
}

/// The complaints so far.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// A fresh start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a value, or the complaint about it.
    pub fn take<T>(&mut self, field: &str, value: Result<T, ValueError>) -> Option<T> {
        value.map_err(|error| self.0.push(FieldError::of(field, error))).ok()
    }

    /// The same for a field that may be absent; an empty one counts as absent.
    pub fn take_optional<T>(
        &mut self,
        field: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let text = value.filter(|text| !text.trim().is_empty())?;
        self.take(field, parse(text))
    }

    /// A time that may be absent. An empty one is a mistake: taken for absent, it would be without an end.
    pub fn time(&mut self, field: &str, value: Option<&str>) -> Option<Timestamp> {
        self.take(field, Timestamp::parse(value?))
    }

    /// A whole number that must fit its type; an absent one keeps its present value.
    pub fn number<T: TryFrom<i64>>(&mut self, field: &str, value: Option<i64>, present: T) -> T {
        match value.map(T::try_from) {
            None => present,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.complain(
                    field,
                    "OUT_OF_RANGE",
                    "this must be a whole number that is not negative and not absurd",
                );
                present
            }
        }
    }

    /// The same where `null` is a value of its own.
    pub fn optional_number<T: TryFrom<i64>>(
        &mut self,
        field: &str,
        value: Option<Option<i64>>,
        present: Option<T>,
    ) -> Option<T> {
        match value {
            None => present,
            Some(None) => None,
            Some(Some(number)) => match T::try_from(number) {
                Ok(number) => Some(number),
                Err(_) => {
                    self.complain(
                        field,
                        "OUT_OF_RANGE",
                        "this must be null or a whole number that is not negative",
                    );
                    present
                }
            },
        }
    }

    /// Features by name.
    pub fn features(&mut self, field: &str, value: Option<&BTreeMap<String, Value>>) -> Option<Features> {
        self.named(
            field,
            value,
            "FEATURE_INVALID",
            "a feature is true, false or a time",
            |value| serde_json::from_value::<Feature>(value.clone()).ok(),
        )
    }

    /// Limits by name of the meter.
    pub fn limits(&mut self, field: &str, value: Option<&BTreeMap<String, Value>>) -> Option<Limits> {
        self.named(
            field,
            value,
            "LIMIT_INVALID",
            "a limit is a whole number from 0, or one with overage \"soft\" or overage_percent 1 to 1000",
            |value| serde_json::from_value::<Limit>(value.clone()).ok(),
        )
    }

    fn named<T>(
        &mut self,
        field: &str,
        values: Option<&BTreeMap<String, Value>>,
        code: &'static str,
        detail: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let mut read_values = BTreeMap::new();
        for (name, value) in values? {
            match read(value).filter(|_| is_short_name(name)) {
                Some(value) => _ = read_values.insert(name.clone(), value),
                None => self.complain(
                    &format!("{field}/{}", name.replace('~', "~0").replace('/', "~1")),
                    code,
                    detail,
                ),
            }
        }
        Some(read_values)
    }

    /// Adds a complaint.
    pub fn complain(&mut self, field: &str, code: &'static str, detail: &str) {
        self.0.push(FieldError {
            pointer: format!("/{field}"),
            code,
            detail: detail.to_owned(),
        });
    }

    /// Ends reading: the values count only when there was no complaint.
    pub fn finish<T>(self, values: Option<T>) -> Result<T, CommandError> {
        match values {
            Some(values) if self.0.is_empty() => Ok(values),
            _ => Err(CommandError::Invalid(self.0)),
        }
    }
}
