//! The short name by which people and scripts call a product or policy.

use serde::{Deserialize, Serialize};

use super::ValueError;

/// 1 to 64 characters of `a-z 0-9 . _ -`, beginning with a letter or digit; upper case is folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// Reads a code, trimming it and folding its case.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let code = text.trim().to_ascii_lowercase();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let begins_well = code.starts_with(|c: char| c.is_ascii_alphanumeric());
        if code.len() > 64 || !begins_well || !code.chars().all(allowed) {
            return Err(ValueError::new(
                "CODE_INVALID",
                "a code has 1 to 64 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit",
            ));
        }
        Ok(Self(code))
    }

    /// The code's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_and_trims() {
        assert_eq!(Code::parse(" Studio-Pro ").unwrap().as_str(), "studio-pro");
    }

    #[test]
    fn refuses_what_is_no_code() {
        for text in ["", " ", "-a", "a b", "ä", &"a".repeat(65), "a/b"] {
            assert!(Code::parse(text).is_err(), "{text:?}");
        }
    }
}
