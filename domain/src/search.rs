//! What is found by what is typed: beginnings of words, and whole words with one typo, case and accents aside.
//!
//! A text is kept as its terms, and what is typed is looked up as terms, so that an index of hashes suffices: it knows no
//! names. A typo is forgiven by leaving out a letter on both sides (the symmetric deletes of Garbe's `SymSpell`, 2012): what
//! a wrong, missing, surplus or swapped letter makes of a word shares one such remainder with it.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The longest beginning of a word that is told apart.
const PREFIX: usize = 16;
/// The shortest beginning that finds anything.
const SHORTEST: usize = 2;
/// Shorter words are typed right, or are another word.
const TYPO_FROM: usize = 4;
/// Words of one text that are found.
const WORDS: usize = 40;
/// Words of one search.
const TYPED: usize = 8;

/// The words of a text as they are compared: lower case, without accents. A German umlaut is compared both as its vowel
/// and as its vowel with an e, as people write it where they have no umlauts.
pub fn words(text: &str) -> Vec<Vec<String>> {
    let lower = text.to_lowercase();
    let split = lower.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    let spellings = split.filter(|word| !word.is_empty()).map(|word| {
        let whole: String = word.nfc().collect();
        let plain = fold(&whole);
        let german = fold(&whole.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"));
        if german == plain {
            vec![plain]
        } else {
            vec![plain, german]
        }
    });
    spellings.take(WORDS).collect()
}

/// The longest place in a list by name.
const SORTED: usize = 64;

/// Where a name stands in a list by name: its words as they are compared, at most 64 letters of them.
pub fn sort_key(name: &str) -> String {
    let words: Vec<String> = words(name)
        .into_iter()
        .filter_map(|spellings| spellings.into_iter().next())
        .collect();
    words.join(" ").chars().take(SORTED).collect()
}

fn fold(word: &str) -> String {
    let folded = word
        .replace('ß', "ss")
        .replace('ø', "o")
        .replace('ł', "l")
        .replace('đ', "d");
    folded.nfkd().filter(|c| !is_combining_mark(*c)).collect()
}

/// The terms under which a text is kept.
pub fn terms(text: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for word in words(text).concat() {
        let letters: Vec<char> = word.chars().take(PREFIX).collect();
        for length in SHORTEST.min(letters.len())..=letters.len() {
            terms.insert(beginning(&letters[..length]));
        }
        terms.extend(remainders(&word));
    }
    terms
}

/// For each word that was typed, the terms of which a text has at least one where it has the word; the longest words
/// first, because they find least.
pub fn typed(search: &str) -> Vec<Vec<String>> {
    let mut typed: Vec<Vec<String>> = words(search)
        .into_iter()
        .map(|spellings| {
            let mut terms = BTreeSet::new();
            for word in &spellings {
                let letters: Vec<char> = word.chars().take(PREFIX).collect();
                terms.insert(beginning(&letters));
                terms.extend(remainders(word));
            }
            terms.into_iter().collect()
        })
        .take(TYPED)
        .collect();
    typed.sort_by_key(|terms| std::cmp::Reverse(terms.len()));
    typed
}

fn beginning(letters: &[char]) -> String {
    let letters: String = letters.iter().collect();
    format!("{letters}*")
}

/// A word, and what is left of it without any one of its letters.
fn remainders(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().take(PREFIX).collect();
    if letters.len() < TYPO_FROM {
        return Vec::new();
    }
    let without = |gone: usize| {
        let kept = letters.iter().enumerate().filter(|(place, _)| *place != gone);
        kept.map(|(_, letter)| *letter).collect::<String>()
    };
    let whole: String = letters.iter().collect();
    std::iter::once(whole).chain((0..letters.len()).map(without)).collect()
}

/// How well a text matches what was typed, 0 to 1; `None` where a word of it is missing.
pub fn score(search: &str, text: &str) -> Option<f64> {
    let (searched, known) = (words(search), words(text));
    if searched.is_empty() {
        return None;
    }
    let mut sum = 0.0;
    for spellings in &searched {
        let best = |word: &String| {
            known
                .iter()
                .flatten()
                .map(move |other| likeness(word, other))
                .fold(0.0, f64::max)
        };
        let found = spellings.iter().map(best).fold(0.0, f64::max);
        if found == 0.0 {
            return None;
        }
        sum += found;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are at most forty words")]
    Some(sum / searched.len() as f64)
}

/// The same word, then its beginning, then a typo.
fn likeness(typed: &str, word: &str) -> f64 {
    if typed == word {
        1.0
    } else if word.starts_with(typed) {
        0.8
    } else if typed.chars().count() >= TYPO_FROM && word.chars().count() >= TYPO_FROM && one_typo_apart(typed, word) {
        0.5
    } else {
        0.0
    }
}

/// Whether one letter is wrong, missing or surplus, or two neighbors are swapped.
fn one_typo_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    match (&one[same..], &other[same..]) {
        (rest, []) | ([], rest) => rest.len() <= 1,
        (one @ [_, one_rest @ ..], other @ [_, other_rest @ ..]) => {
            let swapped =
                one.len() > 1 && other.len() > 1 && one[..2] == [other[1], other[0]] && one[2..] == other[2..];
            swapped || one_rest == other_rest || one_rest == other || one == other_rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an index of terms finds the text, as a database would.
    fn finds(search: &str, text: &str) -> bool {
        let terms = terms(text);
        let typed = typed(search);
        !typed.is_empty() && typed.iter().all(|word| word.iter().any(|term| terms.contains(term)))
    }

    #[test]
    fn beginnings_and_typos_are_found_whatever_the_case_and_the_accents() {
        let text = "Universität Wien, Straße des Ersten Mai <licenses@univie.ac.at>";
        for search in [
            "un",
            "univ",
            "UNIVERSITAT",
            "universitaet",
            "Universität",
            "wien univ",
            "univie",
            "strasse",
            "STRAẞE",
            "mai",
            "universitt",
            "univresität",
            "universitärt",
            "universixat",
            "licenses@univie.ac.at",
        ] {
            assert!(finds(search, text), "{search}");
            assert!(score(search, text).is_some(), "{search} has no score");
        }
        assert!(
            score("ößa", "oß").is_none(),
            "a short word is typed right, or is another one"
        );
        for search in ["u", "", "  ", "graz", "wien graz", "iversität", "mia"] {
            assert!(!finds(search, text) || score(search, text).is_none(), "{search}");
        }
        assert!(finds("muller", "Müller") && finds("mueller", "Müller") && finds("Müller", "Mueller"));
        assert!(finds("東京", "東京大学") && finds("Łódź", "lodz") && finds("ивано", "Иванов"));
    }

    #[test]
    fn names_are_sorted_whatever_their_case_and_accents() {
        let mut names = [
            "zebra GmbH",
            "Özil",
            "(Otto)",
            "Ärzte ohne Grenzen",
            "Ouzo",
            "arzt",
            "Österreich AG",
        ];
        names.sort_by_key(|name| sort_key(name));
        let sorted = [
            "arzt",
            "Ärzte ohne Grenzen",
            "Österreich AG",
            "(Otto)",
            "Ouzo",
            "Özil",
            "zebra GmbH",
        ];
        assert_eq!(names, sorted);
        assert_eq!(sort_key(&"wort ".repeat(100)).chars().count(), SORTED);
    }

    #[test]
    fn the_same_word_is_better_than_its_beginning_and_that_than_a_typo() {
        let of = |search: &str| score(search, "Wien Energie").unwrap();
        assert!(of("wien") > of("energ") && of("energ") > of("enregie"));
    }

    #[test]
    fn a_long_text_has_a_bounded_number_of_terms() {
        let long = "abcdefghijklmnopqrstuvwxyz ".repeat(1_000);
        assert!(terms(&long).len() < 40);
        let many: String = (0..1_000).map(|number| format!("word{number} ")).collect();
        assert!(terms(&many).len() < WORDS * 40);
        assert!(typed(&many).len() <= TYPED);
    }

    proptest::proptest! {
        #[test]
        fn whatever_scores_is_found(search in "[a-zäöüß]{2,8}", text in "[a-zäöüß ]{0,30}") {
            if score(&search, &text).is_some() {
                proptest::prop_assert!(finds(&search, &text), "{search} in {text}");
            }
        }
    }
}
