//! Addresses inside the app.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what never needs it.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as part of an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// Where someone wanted to go, if that is inside this app; nobody is sent elsewhere.
pub(crate) fn inside(next: Option<String>) -> String {
    let next = next.unwrap_or_default();
    let is_path =
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.contains(char::is_control);
    if is_path && !next.starts_with("/login") {
        next
    } else {
        "/".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for next in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/\t/evil",
            "/login",
            "",
        ] {
            assert_eq!(inside(Some(next.to_owned())), "/", "{next}");
        }
        assert_eq!(inside(Some("/licenses?q=a".to_owned())), "/licenses?q=a");
        assert_eq!(inside(None), "/");
    }

    #[test]
    fn texts_are_parts_of_addresses() {
        assert_eq!(encoded("a b&c/ü"), "a%20b%26c%2F%C3%BC");
    }
}
