//! Objects of a page, read field by field as the text in which the server wrote them, so that a decimal
//! passes through no binary number.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::list::last_id;

/// The values of the fields that are asked for, in their order.
pub(super) type Values<'a> = [Option<&'a RawValue>];

/// What takes an object.
type Each<'e, 'de> = &'e mut dyn FnMut(&Values<'de>) -> Result<(), String>;

/// Hands out the objects of a list, one after the other; how many they were.
pub(super) fn each_object<'de>(body: &'de [u8], names: &[String], each: Each<'_, 'de>) -> serde_json::Result<usize> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let count = ListSeed { names, each }.deserialize(&mut json)?;
    json.end()?;
    Ok(count)
}

/// Hands out the objects of a list that is a field of another.
pub(super) fn each_inner<'de>(
    list: &'de RawValue,
    names: &[String],
    each: Each<'_, 'de>,
) -> serde_json::Result<usize> {
    ListSeed { names, each }.deserialize(&mut serde_json::Deserializer::from_str(list.get()))
}

/// The fields of an object that is a field of another; nothing where it is none.
pub(super) fn inner<'de>(object: Option<&'de RawValue>, names: &[String]) -> Vec<Option<&'de RawValue>> {
    let mut values = vec![None; names.len()];
    if let Some(object) = object.filter(|object| object.get().starts_with('{')) {
        let seed = ObjectSeed { names, values: &mut values };
        if seed.deserialize(&mut serde_json::Deserializer::from_str(object.get())).is_err() {
            values.fill(None);
        }
    }
    values
}

/// A value as the text of a cell: what a string says, and of everything else its JSON.
pub(super) fn text(value: &RawValue) -> Result<Option<Cow<'_, str>>, String> {
    let json = value.get();
    match json.as_bytes() {
        b"null" => Ok(None),
        [b'"', content @ .., b'"'] if memchr::memchr(b'\\', content).is_none() => {
            Ok(json.get(1..json.len() - 1).map(Cow::Borrowed))
        }
        [b'"', ..] => {
            let text: String = serde_json::from_str(json).map_err(|error| error.to_string())?;
            Ok(Some(Cow::Owned(text)))
        }
        _ => Ok(Some(Cow::Borrowed(json))),
    }
}

/// An id in the 32 digits that the server usually writes; any other text as it is.
pub(super) fn plain_id(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_plain {
        return text;
    }
    match uuid::Uuid::try_parse(&text) {
        Ok(id) => Cow::Owned(id.as_simple().to_string()),
        Err(_) => text,
    }
}

/// The id at the end of an address.
pub(super) fn id_of(address: &str) -> Option<Cow<'static, str>> {
    last_id(address).map(|id| Cow::Owned(id.as_simple().to_string()))
}

struct ListSeed<'n, 'e, 'de> {
    names: &'n [String],
    each: Each<'e, 'de>,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_, 'de> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, '_, 'de> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut values = vec![None; self.names.len()];
        let mut count = 0;
        while list.next_element_seed(ObjectSeed { names: self.names, values: &mut values })?.is_some() {
            (self.each)(&values).map_err(A::Error::custom)?;
            count += 1;
        }
        Ok(count)
    }
}

struct ObjectSeed<'n, 'v, 'de> {
    names: &'n [String],
    values: &'v mut [Option<&'de RawValue>],
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        self.values.fill(None);
        while let Some(at) = object.next_key_seed(NameSeed(self.names))? {
            match at {
                Some(at) => self.values[at] = Some(object.next_value()?),
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The position of a name among those that are asked for.
struct NameSeed<'n>(&'n [String]);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|own| own == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn values_are_the_text_of_the_server() {
        let body = br#"[{"other":[1,{"uuid":2}],"uuid":"a","usage":0.1000,"text":"x\"\u00e4\n"},{"usage":null}]"#;
        let mut rows = Vec::new();
        let count = each_object(body, &names(&["uuid", "usage", "text"]), &mut |values| {
            let cells = values.iter().map(|value| value.map_or(Ok(None), text));
            let cells: Result<Vec<Option<String>>, String> =
                cells.map(|cell| cell.map(|cell| cell.map(Cow::into_owned))).collect();
            rows.push(cells?);
            Ok(())
        });
        assert_eq!(count.unwrap(), 2);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(rows, [vec![some("a"), some("0.1000"), some("x\"ä\n")], vec![None, None, None]]);
    }

    #[test]
    fn what_is_no_list_of_objects_is_an_error() {
        for body in ["{}", "[1]", "[[]]", "[{}", "[{}] x", "", r#"[{"uuid":tru}]"#] {
            assert!(each_object(body.as_bytes(), &names(&["uuid"]), &mut |_| Ok(())).is_err(), "{body}");
        }
        let lone: &RawValue = serde_json::from_str(r#""\ud800""#).unwrap();
        assert!(text(lone).is_err());
    }

    #[test]
    fn ids_have_one_spelling() {
        let plain = "0123456789abcdef0123456789abcdef";
        for spelt in [plain, "01234567-89ab-cdef-0123-456789abcdef", "0123456789ABCDEF0123456789ABCDEF"] {
            assert_eq!(plain_id(Cow::Borrowed(spelt)), plain);
        }
        assert_eq!(plain_id(Cow::Borrowed("none")), "none");
        assert_eq!(id_of(&format!("https://x.org/api/customers/{plain}/")).as_deref(), Some(plain));
        assert_eq!(id_of("https://x.org/api/customers/"), None);
    }
}
