//! The version of a licensed program.

use serde::{Deserialize, Serialize};

/// A version as a program reports it, of at most 64 characters.
///
/// Programs report all sorts of things; only where a minimum version is set must it be readable as semver.
/// `1` and `1.2` are read as `1.0.0` and `1.2.0`, because a program must not be refused by a missing zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppVersion(String);

impl AppVersion {
    /// Keeps what the program said, cut to 64 characters.
    pub fn new(text: &str) -> Self {
        Self(text.trim().chars().filter(|c| !c.is_control()).take(64).collect())
    }

    /// What the program said.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this version is at least `minimum`, by precedence: build metadata counts for nothing (semver 2.0.0, 10).
    /// What cannot be read is not.
    pub fn is_at_least(&self, minimum: &semver::Version) -> bool {
        self.semver()
            .is_some_and(|version| version.cmp_precedence(minimum).is_ge())
    }

    fn semver(&self) -> Option<semver::Version> {
        let text = self.0.strip_prefix('v').unwrap_or(&self.0);
        let padded = match text.split('.').count() {
            1 => format!("{text}.0.0"),
            2 => format!("{text}.0"),
            _ => text.to_owned(),
        };
        semver::Version::parse(text)
            .or_else(|_| semver::Version::parse(&padded))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_versions_are_padded() {
        let minimum = semver::Version::new(1, 2, 0);
        for (text, expected) in [
            ("1.2.0+5", true),
            ("1.2", true),
            ("2", true),
            ("v1.2.0", true),
            ("1.1.9", false),
            ("1.2.0-rc.1", false),
            ("dev", false),
        ] {
            assert_eq!(AppVersion::new(text).is_at_least(&minimum), expected, "{text}");
        }
    }
}
