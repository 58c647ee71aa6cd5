//! A layout as it is written: every key that there is, and none besides.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use toml::Spanned;

/// Characters of a text in a layout.
const LONGEST: usize = 200;
/// Texts in a list.
const MOST: usize = 200;

/// A short text without anything invisible in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > LONGEST {
            return Err(D::Error::custom("a text of more than 200 characters"));
        }
        if text.chars().any(crate::domain::is_invisible) {
            return Err(D::Error::custom("a text with a character that does not show"));
        }
        Ok(Self(text))
    }
}

/// One text, or several of which one applies.
#[derive(Debug, Clone)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a text or a list of texts")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Texts, E> {
        let text = Text::deserialize(serde::de::value::StrDeserializer::<E>::new(text))?;
        Ok(Texts(vec![text.0]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = list.next_element()? {
            if texts.len() >= MOST {
                return Err(A::Error::custom("a list of more than 200 texts"));
            }
            texts.push(text);
        }
        if texts.is_empty() { Err(A::Error::custom("an empty list")) } else { Ok(Texts(texts)) }
    }
}

/// The whole of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub name: Spanned<Text>,
    pub title: Text,
    pub form: Option<Spanned<WrittenForm>>,
    pub recognise: Option<WrittenRecognise>,
    pub columns: Option<Spanned<Vec<Text>>>,
    pub resource: Option<Spanned<WrittenResource>>,
    pub titles: Option<Spanned<WrittenTitles>>,
    pub period: Option<Spanned<WrittenPeriod>>,
    pub metric: Option<Spanned<Texts>>,
    pub quantity: Option<Texts>,
    pub unit: Option<Texts>,
    #[serde(default)]
    pub component_by: WrittenBy,
    pub decimal: Option<WrittenDecimal>,
    #[serde(default)]
    pub rows: WrittenRows,
    #[serde(default)]
    pub metrics: Vec<Spanned<WrittenMetric>>,
    #[serde(default)]
    pub leave_out: Vec<Spanned<WrittenRule>>,
    #[serde(default)]
    pub faulty: Vec<Spanned<WrittenRule>>,
    pub parts: Option<WrittenParts>,
    #[serde(default)]
    pub identity: Vec<Texts>,
    #[serde(default)]
    pub identity_without: Vec<Texts>,
    #[serde(default)]
    pub repeats: WrittenRepeats,
    #[serde(default)]
    pub one_value: Vec<Texts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenForm {
    WaldurLong,
    WaldurWide,
    Records,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRecognise {
    #[serde(default)]
    pub also: Vec<Texts>,
    #[serde(default)]
    pub without: Vec<Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenResource {
    pub uuid: Option<Texts>,
    pub backend_id: Option<Texts>,
    pub slug: Option<Texts>,
    pub name: Option<Texts>,
    pub offering_uuid: Option<Texts>,
    pub offering: Option<Texts>,
    pub username: Option<Texts>,
    pub project: Option<Texts>,
    pub organisation: Option<Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenTitles {
    #[serde(default)]
    pub hold_period: bool,
    pub unit_behind: Option<Texts>,
    #[serde(default)]
    pub units: BTreeMap<Text, Spanned<Text>>,
    #[serde(default)]
    pub refuse: Vec<WrittenTitleRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenTitleRule {
    pub begins: Text,
    pub because: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenPeriod {
    pub month: Option<Texts>,
    pub begin: Option<Texts>,
    pub end: Option<Texts>,
    pub elapsed: Option<Texts>,
    pub crossing: Option<WrittenCrossing>,
    #[serde(default)]
    pub in_titles: bool,
    pub reported: Option<Texts>,
    pub time_zone: Option<Spanned<Text>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenCrossing {
    Faulty,
    End,
    Begin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenBy {
    #[default]
    Type,
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenDecimal {
    Point,
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenRows {
    Sum,
    #[default]
    Single,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenRepeats {
    #[default]
    Faulty,
    Sum,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenMetric {
    pub name: Option<Texts>,
    pub component: Texts,
    #[serde(default)]
    pub optional: bool,
    pub column: Option<Texts>,
    pub key: Option<Text>,
    #[serde(default)]
    pub in_mebi: bool,
    pub times: Option<Texts>,
    #[serde(default)]
    pub times_duration: bool,
    pub counted_in: Option<Text>,
    pub factor: Option<Spanned<Text>>,
    pub unit: Option<Text>,
    pub units: Option<BTreeMap<Text, Spanned<Text>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    pub column: Texts,
    pub is: Option<Texts>,
    pub is_not: Option<Texts>,
    pub begins: Option<Text>,
    #[serde(default)]
    pub optional: bool,
    pub because: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenParts {
    pub column: Texts,
    pub separator: Text,
    pub because: Text,
}
