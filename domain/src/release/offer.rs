//! Which version a machine is offered.

use sha2::{Digest as _, Sha256};

use super::PublishedRelease;
use crate::values::Version;

/// What a program should know of newer versions.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    /// The newest release that this machine is offered.
    pub latest: Option<&'a PublishedRelease>,
    /// Whether it is newer than the program.
    pub update_available: bool,
    /// Whether the program must not stay as it is: it is below the minimum, or a mandatory release is newer.
    pub update_required: bool,
}

/// What of these releases, oldest first, a machine is offered that runs `current`. Versions go by precedence: build metadata
/// counts for nothing (semver 2.0.0, 10). `machine` is any stable text of it: a release that is
/// rolled out to so many percent is offered to the same machines each time, and to all of them and more when the
/// percentage is raised. Without such a text only releases for everyone are offered.
pub fn offer<'a>(
    releases: impl Iterator<Item = &'a PublishedRelease>,
    channel: &str,
    machine: Option<&str>,
    current: &Version,
    minimum: Option<&Version>,
) -> Offer<'a> {
    let (mut latest, mut mandatory) = (None::<&PublishedRelease>, false);
    let on_offer = releases
        .filter(|release| !release.yanked && release.published.channel.as_str() == channel)
        .filter(|release| reaches(release, machine));
    for release in on_offer {
        let version = &release.published.version;
        mandatory |= release.published.mandatory && version.cmp_precedence(current).is_gt();
        // Of those that differ in build metadata only, the one that was published last.
        if latest.is_none_or(|known| known.published.version.cmp_precedence(version).is_le()) {
            latest = Some(release);
        }
    }
    let below = minimum.is_some_and(|minimum| current.cmp_precedence(minimum).is_lt());
    Offer {
        update_available: latest.is_some_and(|latest| latest.published.version.cmp_precedence(current).is_gt()),
        update_required: below || mandatory,
        latest,
    }
}

fn reaches(release: &PublishedRelease, machine: Option<&str>) -> bool {
    match (release.rollout_percent, machine) {
        (100.., _) => true,
        (0, _) | (_, None) => false,
        (percent, Some(machine)) => place(release, machine) < u32::from(percent) * 100,
    }
}

/// Where a machine stands in a release's roll-out, 0 to 9,999: another place in each release, so that it is not always
/// the same ones that go first.
fn place(release: &PublishedRelease, machine: &str) -> u32 {
    let mut digest = Sha256::new();
    digest.update(release.published.release_id.0.as_bytes());
    digest.update(machine.as_bytes());
    let digest = digest.finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % 10_000
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        release::ReleasePublished,
        values::{Code, ProductId, ReleaseId, Timestamp},
    };

    fn release(version: &str, rollout_percent: u8) -> PublishedRelease {
        PublishedRelease {
            published: ReleasePublished {
                release_id: ReleaseId(Uuid::from_u128(7)),
                product_id: ProductId(Uuid::nil()),
                version: version.parse().unwrap(),
                channel: Code::parse("stable").unwrap(),
                mandatory: false,
                min_version: None,
                download_url: None,
                sha256: None,
                notes: None,
                rollout_percent: None,
                at: Timestamp::from_millis(0),
            },
            rollout_percent,
            yanked: false,
        }
    }

    fn latest(releases: &[PublishedRelease], machine: Option<&str>) -> Option<String> {
        let current = "1.0.0".parse::<Version>().unwrap();
        let offer = offer(releases.iter(), "stable", machine, &current, None);
        offer.latest.map(|latest| latest.published.version.to_string())
    }

    #[test]
    fn the_newest_that_was_not_yanked() {
        let mut releases = [release("1.1.0", 100), release("1.2.0-rc.1", 100), release("1.2.0", 100)];
        assert_eq!(latest(&releases, None).as_deref(), Some("1.2.0"));
        releases[2].yanked = true;
        assert_eq!(latest(&releases, None).as_deref(), Some("1.2.0-rc.1"));
        assert_eq!(latest(&[], None), None);
    }

    #[test]
    fn build_metadata_makes_nothing_newer() {
        let mut releases = [release("2.0.0+b7", 100), release("2.0.0+b8", 100)];
        releases[0].published.mandatory = true;
        let minimum = "2.0.0+b7".parse().unwrap();
        let current = "2.0.0".parse::<Version>().unwrap();
        let offer = offer(releases.iter(), "stable", None, &current, Some(&minimum));
        assert!(!offer.update_available && !offer.update_required, "{offer:?}");
        assert_eq!(latest(&releases, None).as_deref(), Some("2.0.0+b8"));
    }

    #[test]
    fn a_roll_out_reaches_its_share_and_only_ever_grows() {
        let machines: Vec<String> = (0..2_000).map(|number| format!("machine-{number}")).collect();
        let reached = |percent| -> Vec<bool> {
            let releases = [release("2.0.0", percent)];
            machines
                .iter()
                .map(|machine| latest(&releases, Some(machine)).is_some())
                .collect()
        };
        let (few, more) = (reached(10), reached(50));
        assert!((120..280).contains(&few.iter().filter(|yes| **yes).count()));
        assert!((850..1_150).contains(&more.iter().filter(|yes| **yes).count()));
        assert!(few.iter().zip(&more).all(|(few, more)| !few || *more));
        assert_eq!(few, reached(10), "the same machines each time");
        assert_eq!(latest(&[release("2.0.0", 99)], None), None);
    }

    #[test]
    fn what_makes_an_update_required() {
        let current = "1.0.0".parse::<Version>().unwrap();
        let mut releases = [release("1.1.0", 100)];
        let required = |releases: &[PublishedRelease], minimum: Option<&Version>| {
            offer(releases.iter(), "stable", None, &current, minimum).update_required
        };
        assert!(!required(&releases, Some(&"1.0.0".parse::<Version>().unwrap())));
        assert!(required(&releases, Some(&"1.0.1".parse::<Version>().unwrap())));
        releases[0].published.mandatory = true;
        assert!(required(&releases, None));
    }
}
