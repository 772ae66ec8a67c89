//! Which backups are kept.

use std::collections::HashSet;

use crate::values::Timestamp;

/// How many backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The newest of all.
    pub last: usize,
    /// The newest of each of so many days (UTC) that have one.
    pub days: usize,
}

impl Keep {
    /// Which of these backups are deleted, by when each was made. The newest one never is.
    pub fn superfluous(self, made_at: &[Timestamp]) -> Vec<bool> {
        let mut newest_first: Vec<usize> = (0..made_at.len()).collect();
        newest_first.sort_by_key(|&index| std::cmp::Reverse(made_at[index]));
        let mut superfluous = vec![true; made_at.len()];
        let mut days = HashSet::new();
        for (place, index) in newest_first.into_iter().enumerate() {
            let day = made_at[index].end_of_its_day();
            let first_of_its_day = days.len() < self.days && days.insert(day);
            superfluous[index] = place >= self.last.max(1) && !first_of_its_day;
        }
        superfluous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deleted(keep: Keep, made_at: &[&str]) -> Vec<String> {
        let times: Vec<Timestamp> = made_at.iter().map(|text| Timestamp::parse(text).unwrap()).collect();
        let superfluous = keep.superfluous(&times);
        let deleted = made_at.iter().zip(superfluous).filter(|(_, superfluous)| *superfluous);
        deleted.map(|(text, _)| text[8..13].to_owned()).collect()
    }

    const MADE: [&str; 6] = [
        "2026-11-01T02:00:00Z",
        "2026-11-02T02:00:00Z",
        "2026-11-02T14:00:00Z",
        "2026-11-05T02:00:00Z",
        "2026-11-05T14:00:00Z",
        "2026-11-05T23:59:59Z",
    ];

    #[test]
    fn the_last_and_the_newest_of_each_day_stay() {
        assert_eq!(deleted(Keep { last: 2, days: 2 }, &MADE), ["01T02", "02T02", "05T02"]);
        assert_eq!(deleted(Keep { last: 1, days: 9 }, &MADE), ["02T02", "05T02", "05T14"]);
    }

    #[test]
    fn the_newest_one_is_never_deleted() {
        assert_eq!(deleted(Keep { last: 0, days: 0 }, &MADE).len(), MADE.len() - 1);
        assert!(deleted(Keep { last: 0, days: 0 }, &MADE[..1]).is_empty());
    }

    #[test]
    fn the_order_in_which_they_are_told_does_not_matter() {
        let mut backwards = MADE;
        backwards.reverse();
        assert_eq!(
            deleted(Keep { last: 2, days: 2 }, &backwards),
            ["05T02", "02T02", "01T02"]
        );
    }
}
