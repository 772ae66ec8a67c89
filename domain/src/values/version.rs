//! Versions of products, and of the programs that run.

use std::{cmp::Ordering, fmt, str::FromStr};

use semver::Prerelease;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::ValueError;

const MAX_PARTS: usize = 6;
/// A longer text is no version that anybody would have given.
const MAX_BYTES: usize = 256;
const MAX_CHARACTERS: usize = 64;

/// How a product writes its versions. Source: the contract, "POST /api/version/check".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionScheme {
    /// Semantic versions, read leniently: a leading `v`, missing parts, and a fourth number as Windows writes it.
    #[default]
    Semver,
    /// One to six numbers.
    Numeric,
    /// Year and month, and up to two numbers more: `2026.11`, `26.04.1`, `2026-11-28`.
    Calendar,
}

impl VersionScheme {
    /// Reads a scheme by its name.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        match text.trim() {
            "semver" => Ok(Self::Semver),
            "numeric" => Ok(Self::Numeric),
            "calendar" => Ok(Self::Calendar),
            _ => Err(ValueError::new("INVALID", "this is semver, numeric or calendar")),
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Semver => "semver",
            Self::Numeric => "numeric",
            Self::Calendar => "calendar",
        }
    }

    // Serde asks with a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Reads a version as this scheme writes it.
    pub fn read(self, text: &str) -> Result<Version, ValueError> {
        let plain = Some(text.trim())
            .filter(|text| text.len() <= MAX_BYTES)
            .unwrap_or_default();
        let plain = plain.strip_prefix(['v', 'V']).unwrap_or(plain);
        let read = match self {
            Self::Semver => Version::of(plain)
                .filter(|version| version.parts <= 4)
                .map(Version::padded),
            Self::Numeric => Version::of(plain).filter(Version::is_numbers_alone),
            Self::Calendar => Version::of(&dotted(plain)).filter(Version::has_month),
        };
        read.ok_or_else(|| {
            let example = match self {
                Self::Semver => "a semantic version such as 1.4.2",
                Self::Numeric => "a version of one to six numbers such as 3.1.0.345",
                Self::Calendar => "a version of year and month such as 2026.11",
            };
            ValueError {
                code: "VERSION_INVALID",
                detail: format!("this is not {example}"),
            }
        })
    }
}

/// `2026-11-28` as `2026.11.28`; what follows a letter stays.
fn dotted(text: &str) -> String {
    let numbers = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-'));
    let (date, rest) = text.split_at(numbers.unwrap_or(text.len()));
    // A dash in front of letters begins a pre-release.
    let (date, dash) = match date.strip_suffix('-') {
        Some(date) if !rest.is_empty() => (date, "-"),
        _ => (date, ""),
    };
    format!("{}{dash}{rest}", date.replace('-', "."))
}

/// A version that was read by its product's scheme. Versions compare by precedence: missing numbers are zeros, what has a
/// pre-release comes before what has none, and build metadata counts for nothing (semver 2.0.0, 10 and 11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    numbers: [u64; MAX_PARTS],
    parts: usize,
    pre: Prerelease,
}

impl Version {
    /// Reads what any scheme may have written.
    fn of(text: &str) -> Option<Self> {
        let plain = text.split_once('+').map_or(text, |(plain, build)| {
            if semver::BuildMetadata::new(build).is_ok_and(|build| !build.is_empty()) {
                plain
            } else {
                ""
            }
        });
        let (dotted, pre) = match plain.split_once('-') {
            Some((dotted, pre)) => (dotted, Prerelease::new(pre).ok().filter(|pre| !pre.is_empty())?),
            None => (plain, Prerelease::EMPTY),
        };
        let mut numbers = [0; MAX_PARTS];
        let mut parts = 0;
        for part in dotted.split('.') {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *numbers.get_mut(parts)? = part.parse().ok().filter(|_| digits)?;
            parts += 1;
        }
        Some(Self {
            text: text.to_owned(),
            numbers,
            parts,
            pre,
        })
    }

    /// The same with at least three numbers and no leading zeros, as semantic versions are written.
    fn padded(self) -> Self {
        let shown = self.parts.max(3);
        let numbers: Vec<String> = self.numbers[..shown].iter().map(ToString::to_string).collect();
        let rest = self.text.find(['-', '+']).map_or("", |at| &self.text[at..]);
        Self {
            text: format!("{}{rest}", numbers.join(".")),
            parts: shown,
            ..self
        }
    }

    /// The one way to write it that all ways of writing it have in common: no leading zeros, no zeros at the end.
    pub fn unpadded(&self) -> String {
        let shown = self
            .numbers
            .iter()
            .rposition(|number| *number != 0)
            .map_or(1, |last| last + 1);
        let numbers: Vec<String> = self.numbers[..shown].iter().map(ToString::to_string).collect();
        let rest = self.text.find(['-', '+']).map_or("", |at| &self.text[at..]);
        format!("{}{rest}", numbers.join("."))
    }

    fn is_numbers_alone(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    }

    fn has_month(&self) -> bool {
        let year = self.numbers[0] < 100 || (1900..10_000).contains(&self.numbers[0]);
        year && (2..=4).contains(&self.parts) && (1..=12).contains(&self.numbers[1])
    }

    /// Which of two versions is the later one.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| self.pre.cmp(&other.pre))
    }

    /// Whether this version may run where `minimum` is the lowest.
    pub fn is_at_least(&self, minimum: &Self) -> bool {
        self.cmp_precedence(minimum).is_ge()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::of(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no version")))
    }
}

impl FromStr for Version {
    type Err = ValueError;

    /// Reads a version that was written by this type, whatever its product's scheme.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::of(text).ok_or_else(|| ValueError::new("VERSION_INVALID", "this is no version"))
    }
}

/// A version as a program reported it, of at most 64 characters; events keep it as it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppVersion(String);

impl AppVersion {
    /// Keeps what the program said, cut to 64 characters.
    pub fn new(text: &str) -> Self {
        let kept = text.trim().chars().filter(|c| !c.is_control());
        Self(kept.take(MAX_CHARACTERS).collect())
    }

    /// What the program said.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(scheme: VersionScheme, text: &str) -> Option<String> {
        scheme.read(text).ok().map(|version| version.to_string())
    }

    #[test]
    fn semantic_versions_are_read_leniently() {
        for (text, expected) in [
            ("3.1.0", Some("3.1.0")),
            ("3.1", Some("3.1.0")),
            ("3", Some("3.0.0")),
            ("v3.1", Some("3.1.0")),
            (" V3.1.2-rc.1+build.7 ", Some("3.1.2-rc.1+build.7")),
            ("3.1-rc.1", Some("3.1.0-rc.1")),
            ("3.1.0.345", Some("3.1.0.345")),
            ("3.1.0.345.6", None),
            ("", None),
            ("v", None),
            ("dev", None),
            ("1..2", None),
            ("1.2.x", None),
            ("1.2.3-", None),
            ("1.2.3+", None),
            ("-1.2.3", None),
            ("1.2.99999999999999999999", None),
            ("１.2.3", None),
        ] {
            assert_eq!(read(VersionScheme::Semver, text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn other_schemes_have_their_own_shape() {
        use VersionScheme::{Calendar, Numeric};
        for (scheme, text, expected) in [
            (Numeric, "3.1.0.345", Some("3.1.0.345")),
            (Numeric, "v10.0.22631.4460.1.7", Some("10.0.22631.4460.1.7")),
            (Numeric, "7", Some("7")),
            (Numeric, "1.2.3.4.5.6.7", None),
            (Numeric, "1.2-rc.1", None),
            (Calendar, "2026.11", Some("2026.11")),
            (Calendar, "2026-11-28", Some("2026.11.28")),
            (Calendar, "26.04.1", Some("26.04.1")),
            (Calendar, "2026.11-rc.1", Some("2026.11-rc.1")),
            (Calendar, "2026.13", None),
            (Calendar, "2026", None),
            (Calendar, "3.1.0.345.6", None),
        ] {
            assert_eq!(read(scheme, text).as_deref(), expected, "{scheme:?} {text:?}");
        }
    }

    #[test]
    fn the_later_version_is_the_greater() {
        let semver = |text: &str| VersionScheme::Semver.read(text).unwrap();
        let ordered = ["1.2.0-rc.1", "1.2", "1.2.0.1", "1.2.1", "1.10", "v2"];
        for pair in ordered.windows(2) {
            assert!(semver(pair[0]).cmp_precedence(&semver(pair[1])).is_lt(), "{pair:?}");
        }
        assert!(
            semver("1.2.0+5").is_at_least(&semver("1.2.0+9")),
            "build metadata counts for nothing"
        );
        let date = |text: &str| VersionScheme::Calendar.read(text).unwrap();
        assert!(date("2026.11.2").is_at_least(&date("2026-09-30")));
    }

    proptest! {
        /// What was written is read again as the same version, whichever scheme wrote it.
        #[test]
        fn versions_are_read_as_they_were_written(text in "[v]?[0-9a-z.+-]{0,20}") {
            for scheme in [VersionScheme::Semver, VersionScheme::Numeric, VersionScheme::Calendar] {
                if let Ok(version) = scheme.read(&text) {
                    let written = serde_json::to_string(&version).unwrap();
                    prop_assert_eq!(&serde_json::from_str::<Version>(&written).unwrap(), &version);
                    prop_assert_eq!(scheme.read(&version.to_string()).unwrap(), version);
                }
            }
        }

        #[test]
        fn whatever_semver_reads_is_read_the_same(major in 0..30_u64, minor in 0..30_u64, patch in 0..30_u64, pre in "(-[a-z]{1,3}(\\.[0-9]{1})?)?") {
            let text = format!("{major}.{minor}.{patch}{pre}");
            let strict = semver::Version::from_str(&text).unwrap();
            prop_assert_eq!(VersionScheme::Semver.read(&text).unwrap().to_string(), strict.to_string());
        }
    }
}
