//! The key that a customer types: `LIC-` and five groups of five Crockford base32 characters.

/// Crockford's base32: no I, L, O (read as digits) and no U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DATA: usize = 24;

/// A well-formed license key: 120 random bits and a check character.
///
/// Source of the check character: the contract, "sum of value × place, 1 to 24, modulo 32".
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LicenseKey([u8; DATA + 1]);

impl LicenseKey {
    /// Makes a key of 15 random bytes.
    pub fn from_random(random: [u8; 15]) -> Self {
        let mut characters = [0; DATA + 1];
        for (index, character) in characters.iter_mut().take(DATA).enumerate() {
            let bit = index * 5;
            let high = u16::from(random[bit / 8]) << 8;
            let low = random.get(bit / 8 + 1).map_or(0, |byte| u16::from(*byte));
            let value = ((high | low) >> (11 - bit % 8)) & 31;
            *character = ALPHABET[usize::from(value)];
        }
        characters[DATA] = check_character(&characters[..DATA]);
        Self(characters)
    }

    /// Reads a key as people type it: any case, with or without spaces, hyphens and the prefix, O for 0, I and L for 1.
    /// Answers `None` for anything else; a malformed key is simply not found.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 256 {
            return None;
        }
        let mut typed = Vec::with_capacity(DATA + 4);
        for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')) {
            typed.push(ALPHABET[usize::from(value_of(c)?)]);
        }
        // The prefix itself is read with the same forgiveness: `LIC` becomes `11C`.
        let body = if typed.len() == DATA + 4 {
            typed.strip_prefix(b"11C")?
        } else {
            &typed[..]
        };
        let characters: [u8; DATA + 1] = body.try_into().ok()?;
        (check_character(&characters[..DATA]) == characters[DATA]).then_some(Self(characters))
    }

    /// The 25 characters without prefix and hyphens: what is hashed for the look-up.
    pub fn canonical(&self) -> &[u8] {
        &self.0
    }

    /// What may be shown to anyone: the last group.
    pub fn masked(&self) -> String {
        let text = self.to_string();
        format!("LIC-*****-*****-*****-*****-{}", &text[text.len() - 5..])
    }
}

impl std::fmt::Display for LicenseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LIC")?;
        for group in self.0.chunks(5) {
            write!(f, "-{}", std::str::from_utf8(group).map_err(|_| std::fmt::Error)?)?;
        }
        Ok(())
    }
}

/// Keys must not slip into logs.
impl std::fmt::Debug for LicenseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

fn value_of(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let byte = u8::try_from(c).ok()?;
    ALPHABET
        .iter()
        .position(|known| *known == byte)
        .and_then(|index| u8::try_from(index).ok())
}

fn check_character(data: &[u8]) -> u8 {
    let sum: usize = data
        .iter()
        .zip(1..)
        .map(|(character, place)| place * usize::from(value_of(char::from(*character)).unwrap_or(0)))
        .sum();
    ALPHABET[sum % 32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_character_follows_the_contract() {
        // 24 times the value 1: the places add up to 300, and 300 modulo 32 is 12, written C.
        let key = LicenseKey::parse("LIC-11111-11111-11111-11111-1111C").unwrap();
        assert_eq!(key.to_string(), "LIC-11111-11111-11111-11111-1111C");
        assert_eq!(key.masked(), "LIC-*****-*****-*****-*****-1111C");
        assert_eq!(LicenseKey::parse("LIC-11111-11111-11111-11111-1111D"), None);
    }

    #[test]
    fn all_bits_of_the_random_bytes_count() {
        for bit in 0..120 {
            let mut random = [0; 15];
            random[bit / 8] |= 1 << (bit % 8);
            assert_ne!(
                LicenseKey::from_random(random),
                LicenseKey::from_random([0; 15]),
                "bit {bit}"
            );
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes_however_it_is_typed(random: [u8; 15], spaced: bool, lower: bool) {
            let key = LicenseKey::from_random(random);
            let mut typed = key.to_string();
            if spaced { typed = format!("  {} ", typed.replace('-', " ")); }
            if lower { typed = typed.to_lowercase().replace('0', "o").replace('1', "l"); }
            prop_assert_eq!(LicenseKey::parse(&typed), Some(key.clone()));
            prop_assert_eq!(LicenseKey::parse(&key.to_string()[4..]), Some(key));
        }

        #[test]
        fn one_wrong_character_of_a_coprime_place_is_noticed(random: [u8; 15], place in 0usize..24, other in 1u8..32) {
            let key = LicenseKey::from_random(random);
            let mut wrong = key.clone();
            let value = value_of(char::from(wrong.0[place])).unwrap();
            wrong.0[place] = ALPHABET[usize::from((value + other) % 32)];
            // An even place can hide a change by a multiple of its complement; odd places never do.
            if place % 2 == 0 {
                prop_assert_eq!(LicenseKey::parse(&wrong.to_string()), None);
            }
        }

        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            let _ = LicenseKey::parse(&text);
        }
    }
}
