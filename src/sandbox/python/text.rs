//! Values as Python holds them after reading JSON: integers of any length, floats by what they
//! print as, and strings that may hold half a surrogate pair.

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum Value {
    None,
    Bool(bool),
    /// The digits, with a minus sign where negative.
    Int(String),
    /// What `repr` prints.
    Float(String),
    Text(Text),
    List(Vec<Value>),
    Dict(Vec<(Text, Value)>),
}

/// A string; half a surrogate pair stands as U+FFFD in the text and is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sandbox) struct Text {
    pub text: String,
    pub surrogate: Option<u16>,
}

impl Value {
    /// The name of the value's type, as error messages have it.
    pub(in crate::sandbox) fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
        }
    }

    /// What `str` makes of a value; containers are shown by their brackets alone.
    pub(in crate::sandbox) fn as_text(&self) -> Text {
        let text = match self {
            Self::None => "None",
            Self::Bool(true) => "True",
            Self::Bool(false) => "False",
            Self::Int(digits) | Self::Float(digits) => digits,
            Self::Text(text) => return text.clone(),
            Self::List(_) => "[]",
            Self::Dict(_) => "{}",
        };
        Text { text: text.to_owned(), surrogate: None }
    }

    /// The value of a key of a dictionary; of a repeated key the last one counts.
    pub(in crate::sandbox) fn get<'a>(pairs: &'a [(Text, Self)], key: &str) -> Option<&'a Self> {
        pairs.iter().rev().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }
}

/// Prints a number as `repr` prints a float: the fewest digits that name it, with an exponent from
/// 10¹⁶ and below 10⁻⁴.
pub(super) fn repr(number: f64) -> String {
    if number.is_infinite() {
        return if number.is_sign_negative() { "-inf".into() } else { "inf".into() };
    }
    let shortest = format!("{number:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::repr;

    #[test]
    fn floats_print_as_in_python() {
        let cases = [
            (7.25, "7.25"),
            (1e3, "1000.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-5, "1.5e-05"),
            (1e-4, "0.0001"),
            (-0.0, "-0.0"),
        ];
        for (number, printed) in cases {
            assert_eq!(repr(number), printed);
        }
    }
}
