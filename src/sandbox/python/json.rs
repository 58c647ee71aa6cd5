//! Reads JSON as Python does, with its messages and positions.
//!
//! Positions count characters. `NaN` and the infinities are refused with a message of their own;
//! what is nested too deeply breaks the real server, and so it does here.

use super::text::{Text, Value, repr};

/// How deeply the real server can follow nested lists and dictionaries.
const DEPTH: usize = 900;

/// Why a body is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum JsonError {
    /// What the server says about it.
    Said(String),
    /// The server breaks on it.
    TooDeep,
}

/// Reads the body of a request.
pub(in crate::sandbox) fn parse(body: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let byte = body.get(at).copied().unwrap_or_default();
        let reason =
            if error.error_len().is_some() { "invalid start byte" } else { "unexpected end of data" };
        JsonError::Said(format!("'utf-8' codec can't decode byte {byte:#04x} in position {at}: {reason}"))
    })?;
    let mut reader = Reader { characters: text.chars().collect(), at: 0, depth: 0 };
    if reader.peek() == Some('\u{feff}') {
        return Err(reader.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    reader.skip_blanks();
    let value = reader.value()?;
    reader.skip_blanks();
    if reader.at < reader.characters.len() {
        return Err(reader.error("Extra data", reader.at));
    }
    Ok(value)
}

struct Reader {
    characters: Vec<char>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn error(&self, message: &str, at: usize) -> JsonError {
        let before = &self.characters[..at.min(self.characters.len())];
        let line = before.iter().filter(|&&character| character == '\n').count() + 1;
        let line_start =
            before.iter().rposition(|&character| character == '\n').map_or(0, |newline| newline + 1);
        let column = at - line_start + 1;
        JsonError::Said(format!("{message}: line {line} column {column} (char {at})"))
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let matches = word
            .chars()
            .enumerate()
            .all(|(offset, wanted)| self.characters.get(self.at + offset) == Some(&wanted));
        if matches {
            self.at += word.len();
        }
        matches
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        match self.peek() {
            Some('"') => self.string().map(Value::Text),
            Some('{') => self.nested(Self::dict),
            Some('[') => self.nested(Self::list),
            _ if self.take("null") => Ok(Value::None),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            Some('-' | '0'..='9' | 'N' | 'I') => self.number(),
            _ => Err(self.error("Expecting value", self.at)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.at += 1;
        self.skip_blanks();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_blanks();
            if self.take("]") {
                return Ok(Value::List(items));
            }
            if !self.take(",") {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_blanks();
        }
    }

    fn dict(&mut self) -> Result<Value, JsonError> {
        let mut pairs = Vec::new();
        if self.take("}") {
            return Ok(Value::Dict(pairs));
        }
        loop {
            if self.peek() != Some('"') {
                return Err(self.error("Expecting property name enclosed in double quotes", self.at));
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(":") {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.skip_blanks();
            pairs.push((key, self.value()?));
            self.skip_blanks();
            if self.take("}") {
                return Ok(Value::Dict(pairs));
            }
            if !self.take(",") {
                return Err(self.error("Expecting ',' delimiter", self.at));
            }
            self.skip_blanks();
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        for constant in ["NaN", "Infinity", "-Infinity"] {
            if self.take(constant) {
                return Err(JsonError::Said(format!(
                    "Out of range float values are not JSON compliant: '{constant}'"
                )));
            }
        }
        let start = self.at;
        let negative = self.take("-");
        let whole = self.at;
        if !self.take("0") {
            self.digits();
        }
        if self.at == whole {
            return Err(self.error("Expecting value", start));
        }
        let integer_end = self.at;
        if self.peek() == Some('.') && self.is_digit(1) {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.characters.get(self.at + 1), Some('+' | '-')));
            if self.is_digit(1 + sign) {
                self.at += 1 + sign;
                self.digits();
            }
        }
        let text: String = self.characters[start..self.at].iter().collect();
        if self.at > integer_end {
            return Ok(Value::Float(text.parse().map(repr).unwrap_or_default()));
        }
        let is_zero = text == "-0";
        Ok(Value::Int(if negative && is_zero { "0".into() } else { text }))
    }

    fn digits(&mut self) {
        while self.is_digit(0) {
            self.at += 1;
        }
    }

    fn is_digit(&self, ahead: usize) -> bool {
        self.characters.get(self.at + ahead).is_some_and(char::is_ascii_digit)
    }

    fn string(&mut self) -> Result<Text, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut text = Text::default();
        loop {
            let Some(character) = self.peek() else {
                return Err(self.error("Unterminated string starting at", start));
            };
            self.at += 1;
            match character {
                '"' => return Ok(text),
                '\\' => self.escape(start, &mut text)?,
                '\0'..='\u{1f}' => return Err(self.error("Invalid control character at", self.at - 1)),
                _ => text.text.push(character),
            }
        }
    }

    fn escape(&mut self, start: usize, text: &mut Text) -> Result<(), JsonError> {
        let Some(character) = self.peek() else {
            return Err(self.error("Unterminated string starting at", start));
        };
        self.at += 1;
        let plain = match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(text),
            _ => return Err(self.error("Invalid \\escape", self.at - 2)),
        };
        text.text.push(plain);
        Ok(())
    }

    fn unicode_escape(&mut self, text: &mut Text) -> Result<(), JsonError> {
        let first = self.hex()?;
        let mut units = vec![first];
        let is_high = (0xd800..0xdc00).contains(&first);
        if is_high && self.characters[self.at..].starts_with(&['\\', 'u']) {
            let after_first = self.at;
            self.at += 2;
            match self.hex() {
                Ok(second) if (0xdc00..0xe000).contains(&second) => units.push(second),
                _ => self.at = after_first,
            }
        }
        for unit in char::decode_utf16(units) {
            match unit {
                Ok(character) => text.text.push(character),
                Err(half) => {
                    text.text.push(char::REPLACEMENT_CHARACTER);
                    text.surrogate.get_or_insert(half.unpaired_surrogate());
                }
            }
        }
        Ok(())
    }

    fn hex(&mut self) -> Result<u16, JsonError> {
        let digits: String = self.characters.iter().skip(self.at).take(4).collect();
        let is_hex = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u16::from_str_radix(&digits, 16) {
            Ok(unit) if is_hex => {
                self.at += 4;
                Ok(unit)
            }
            _ => Err(self.error("Invalid \\uXXXX escape", self.at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        match parse(body.as_bytes()) {
            Err(JsonError::Said(message)) => message,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn errors_are_told_as_python_tells_them() {
        assert_eq!(message("resource=1"), "Expecting value: line 1 column 1 (char 0)");
        assert_eq!(
            message("{\"a\": 1,\n}"),
            "Expecting property name enclosed in double quotes: line 2 column 1 (char 9)"
        );
        assert_eq!(message("[1 2]"), "Expecting ',' delimiter: line 1 column 4 (char 3)");
        assert_eq!(message("{} x"), "Extra data: line 1 column 4 (char 3)");
        assert_eq!(message("\"ä"), "Unterminated string starting at: line 1 column 1 (char 0)");
        assert_eq!(message("[NaN]"), "Out of range float values are not JSON compliant: 'NaN'");
        assert_eq!(parse(&b"[".repeat(2_000)), Err(JsonError::TooDeep));
    }

    #[test]
    fn half_a_surrogate_pair_is_remembered() {
        let Ok(Value::Text(text)) = parse(br#""\ud83d\ude00 \ud800""#) else { panic!("not a text") };
        assert_eq!(text, Text { text: "😀 \u{fffd}".into(), surrogate: Some(0xd800) });
    }
}
