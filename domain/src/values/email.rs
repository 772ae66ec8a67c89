//! A mail address.

use super::ValueError;

/// A mail address of at most 254 bytes with a domain that has a dot.
///
/// Deliberately no full RFC 5321 grammar: whether an address works is known only once mail arrives there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads an address; the domain is folded to lower case, the part before the `@` is kept as it is.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let invalid = || ValueError::new("EMAIL_INVALID", "this is not a mail address such as name@example.com");
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let shaped = !local.is_empty()
            && local.len() <= 64
            && text.len() <= 254
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
            && !local.contains('@')
            && domain.contains('.')
            && domain
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        if !shaped {
            return Err(invalid());
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_the_domain_only() {
        assert_eq!(Email::parse(" Ada@Example.COM ").unwrap().as_str(), "Ada@example.com");
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
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }
}
