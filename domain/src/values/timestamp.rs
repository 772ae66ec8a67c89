//! A moment, to the millisecond, in UTC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{Date, Month, OffsetDateTime, format_description::well_known::Rfc3339};

use super::ValueError;

/// Milliseconds since 1970-01-01T00:00:00Z, between the years 0001 and 9999; written as RFC 3339 with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const LATEST: i64 = 253_402_300_799_999;
/// 0001-01-01T00:00:00Z.
const EARLIEST: i64 = -62_135_596_800_000;

impl Timestamp {
    /// The moment so many milliseconds after the epoch, held inside the years that RFC 3339 can write.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(EARLIEST, LATEST))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as JOSE and RFC 9421 count them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus so many seconds, held inside the years that RFC 3339 can write.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This moment plus so many days of 24 hours.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        self.plus_seconds(i64::from(days) * 86_400)
    }

    /// The last moment in UTC of a day that is written as `2027-01-31`; `None` for what is no such day.
    pub fn end_of_day(text: &str) -> Option<Self> {
        let text = text.trim();
        // The day's last millisecond, as RFC 3339 writes it.
        (text.len() == 10)
            .then(|| Self::parse(&format!("{text}T23:59:59.999Z")).ok())
            .flatten()
    }

    /// The last moment of the day in UTC in which this one lies.
    #[must_use]
    pub fn end_of_its_day(self) -> Self {
        Self::from_millis(self.0 - self.0.rem_euclid(86_400_000) + 86_399_999)
    }

    /// Reads RFC 3339 with any offset; what is finer than a millisecond is dropped.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        OffsetDateTime::parse(text.trim(), &Rfc3339)
            .map(Self::from)
            .map_err(|_| {
                ValueError::new(
                    "TIME_INVALID",
                    format!("{text:?} is not a time such as 2027-01-31T12:00:00Z"),
                )
            })
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        Self::from_millis(i64::try_from(millis).unwrap_or(LATEST))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(moment: Timestamp) -> Self {
        Self::from_unix_timestamp_nanos(i128::from(moment.0) * 1_000_000)
            .expect("a Timestamp lies between the years 0001 and 9999, which OffsetDateTime covers")
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // By hand because it runs several times for each answer; the `time` formatter takes ten times as long.
        let days = self.0.div_euclid(86_400_000);
        let milli_of_day = self.0.rem_euclid(86_400_000);
        let epoch = Date::from_calendar_date(1970, Month::January, 1).map_err(|_| std::fmt::Error)?;
        let date = epoch.checked_add(time::Duration::days(days)).ok_or(std::fmt::Error)?;
        let (year, month, day) = date.to_calendar_date();
        let (hour, minute) = (milli_of_day / 3_600_000, milli_of_day / 60_000 % 60);
        let (second, milli) = (milli_of_day / 1000 % 60, milli_of_day % 1000);
        let month = u8::from(month);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_milliseconds_in_utc() {
        let moment = Timestamp::parse("2027-01-31T12:00:00.1239+02:00").unwrap();
        assert_eq!(moment.to_string(), "2027-01-31T10:00:00.123Z");
    }

    #[test]
    fn refuses_dates_that_do_not_exist() {
        for text in [
            "2027-02-30T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-01",
            "tomorrow",
            "",
            "2027-01-01T25:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap_err().code, "TIME_INVALID", "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(millis in EARLIEST..=LATEST) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&moment.to_string()).unwrap(), moment);
        }
    }
}
