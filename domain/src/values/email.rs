//! A mail address.

use super::ValueError;

/// A mail address of at most 254 bytes whose domain has a dot.
///
/// What is before the `@` is a dot-atom of RFC 5322, letters of any script included (RFC 6531); quoted ones are refused,
/// because hardly a mail server takes them. The domain may be an international one: mail goes to its ASCII form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address; the domain is folded to lower case, the part before the `@` is kept as it is.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let invalid = || ValueError::new("EMAIL_INVALID", "this is not a mail address such as name@example.com");
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let atom = |text: &str| !text.is_empty() && text.chars().all(is_atom_text);
        let ascii = ascii_domain(domain).ok_or_else(invalid)?;
        let shaped = local.len() <= 64 && local.len() + ascii.len() < 254 && local.split('.').all(atom);
        if !shaped {
            return Err(invalid());
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }

    /// The address as mail servers take it: its domain in ASCII (RFC 5890).
    pub fn to_ascii(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let domain = ascii_domain(domain).unwrap_or_else(|| domain.to_owned());
        format!("{local}@{domain}")
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5322's `atext`, and what other scripts write that can be seen (RFC 6531).
fn is_atom_text(c: char) -> bool {
    let foreign = !c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_invisible(c);
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || foreign
}

/// Characters that take no room, or turn the direction of others (Unicode's `Default_Ignorable_Code_Point`, the common
/// ones).
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8
        | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// A domain with a dot in its ASCII form; `None` for what is no domain.
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    // The mapping drops invisible characters: an address that holds one is not the one that it looks like.
    let visible = !domain.chars().any(is_invisible);
    let labels = ascii.split('.').all(|label| !label.is_empty());
    (visible && labels && ascii.contains('.')).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_the_domain_only() {
        assert_eq!(Email::parse(" Ada@Example.COM ").unwrap().as_str(), "Ada@example.com");
    }

    #[test]
    fn international_domains_have_an_ascii_form() {
        let mail = Email::parse("info@Müller.de").unwrap();
        assert_eq!(
            (mail.as_str(), &*mail.to_ascii()),
            ("info@müller.de", "info@xn--mller-kva.de")
        );
        let plain = Email::parse("o'neil+licenses@example.com").unwrap();
        assert_eq!(plain.to_ascii(), "o'neil+licenses@example.com");
    }

    #[test]
    fn refuses_what_cannot_be_an_address() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "ada@localhost",
            "a@b@example.com",
            "a@-x.com",
            "a@x..com",
            "o,neil@example.com",
            "\"o neil\"@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a\u{200b}b@example.com",
            "ada@exam\u{200b}ple.com",
            "ada@\u{202e}example.com",
            "ada@example.com.",
            "ada@exa_mple.com",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }
}
