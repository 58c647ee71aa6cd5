//! One text for one value: JSON with sorted keys and without blanks, as digests need it.

use serde::Serialize;

/// Writes a value as canonical JSON: the keys of every object in the order of their characters, no
/// blanks, numbers and texts as ever. Two equal values have one text, however their types order
/// their fields.
pub fn canonical_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    serde_json::to_string(&value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical_json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": null}], "a": "ü \"x\"", "B": true});
        assert_eq!(canonical_json(&value).unwrap(), r#"{"B":true,"a":"ü \"x\"","b":[{"c":null,"d":1}]}"#);
    }
}
