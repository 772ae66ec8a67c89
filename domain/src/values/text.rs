//! Short free text.

use serde::{Deserialize, Serialize};

use super::ValueError;

/// Trimmed, not empty, at most `MAX` characters, without control characters other than line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Reads text, trimming it.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::new("TEXT_EMPTY", "this must not be empty"));
        }
        if text.chars().count() > MAX {
            return Err(ValueError::new(
                "TEXT_TOO_LONG",
                format!("this must have at most {MAX} characters"),
            ));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(ValueError::new("TEXT_INVALID", "this must not hold control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_counts_characters_not_bytes() {
        assert_eq!(Text::<4>::parse(" Köln ").unwrap().as_str(), "Köln");
        assert_eq!(Text::<3>::parse("Köln").unwrap_err().code, "TEXT_TOO_LONG");
        assert_eq!(Text::<3>::parse("  ").unwrap_err().code, "TEXT_EMPTY");
        assert_eq!(Text::<3>::parse("a\0b").unwrap_err().code, "TEXT_INVALID");
    }
}
