//! Says what is wrong with a value without the names that Rust and its libraries have for it.

/// A deserializer's complaint in plain words, without a full stop.
pub(crate) fn plain_words(complaint: &str) -> String {
    let complaint = without_place(complaint);
    if complaint.starts_with("missing field") {
        return "this field is required".to_owned();
    }
    if complaint.starts_with("duplicate field") {
        return "this field is given twice".to_owned();
    }
    if let Some((_, known)) = complaint
        .split_once("unknown variant")
        .and_then(|(_, rest)| rest.split_once("expected "))
    {
        return format!("this is {}", known.replace('`', ""));
    }
    if complaint.starts_with("UUID parsing failed") {
        return "this is a UUID".to_owned();
    }
    if complaint.starts_with("invalid digit") || complaint.starts_with("number too") {
        return "this is a whole number".to_owned();
    }
    if complaint.starts_with("provided string was not") {
        return "this is true or false".to_owned();
    }
    let wrong = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|kind| complaint.strip_prefix(kind))
        .and_then(|rest| rest.split_once(", expected "));
    match wrong {
        Some((found, expected)) => format!("this is {}, and not {}", kind(expected), kind(found)),
        None => complaint.to_owned(),
    }
}

/// A complaint of `serde_json` without the line and column, which say little to who wrote no lines.
pub(super) fn without_place(complaint: &str) -> &str {
    complaint.split(" at line ").next().unwrap_or(complaint)
}

fn kind(text: &str) -> &'static str {
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if begins(&["integer `-"]) {
        "a negative one"
    } else if begins(&["floating point"]) {
        "a number with a fraction, or one so large"
    } else if begins(&["u8", "u16", "u32", "u64", "usize"]) {
        "a whole number that is not negative"
    } else if begins(&["i8", "i16", "i32", "i64", "integer"]) {
        "a whole number"
    } else if begins(&["f32", "f64", "floating point", "number"]) {
        "a number with a fraction"
    } else if begins(&["bool", "a boolean"]) {
        "true or false"
    } else if begins(&["string", "a string", "borrowed string", "character"]) {
        "a text"
    } else if begins(&["sequence", "a sequence", "Vec"]) {
        "a list"
    } else if begins(&["null", "unit", "Option"]) {
        "null"
    } else if begins(&["map", "a map", "an object", "struct"]) {
        "an object"
    } else {
        "a value of this field"
    }
}

#[cfg(test)]
mod tests {
    use super::plain_words;

    #[test]
    fn no_word_of_rust_is_left() {
        for (complaint, expected) in [
            ("missing field `code` at line 1 column 2", "this field is required"),
            (
                "invalid type: string \"x\", expected i64 at line 1 column 20",
                "this is a whole number, and not a text",
            ),
            (
                "invalid type: integer `7`, expected a string",
                "this is a text, and not a whole number",
            ),
            (
                "invalid type: floating point `1.5`, expected i64",
                "this is a whole number, and not a number with a fraction, or one so large",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "this is a whole number that is not negative, and not a negative one",
            ),
            (
                "invalid type: map, expected a sequence",
                "this is a list, and not an object",
            ),
            (
                "invalid type: null, expected struct ActivateRequest",
                "this is an object, and not null",
            ),
            ("unknown variant `x`, expected `hour` or `day`", "this is hour or day"),
            (
                "unknown variant `x`, expected one of `a`, `b`, `c`",
                "this is one of a, b, c",
            ),
            ("invalid digit found in string", "this is a whole number"),
            ("this is 1 to 200", "this is 1 to 200"),
        ] {
            assert_eq!(plain_words(complaint), expected);
        }
    }
}
