//! The words that head a total, in the languages in which usage is reported.
//!
//! A word alone proves nothing: a resource can be called so. What a row with such a word is, is decided by
//! what it lacks and by what it adds up to.

use std::sync::LazyLock;

/// The words, in lower case.
const WORDS: [&str; 92] = [
    "total",
    "totals",
    "subtotal",
    "sub-total",
    "sub total",
    "grand total",
    "overall total",
    "overall",
    "sum",
    "sums",
    "in total",
    "sum total",
    "summe",
    "summen",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "teilsumme",
    "endsumme",
    "insgesamt",
    "gesamtbetrag",
    "gesamtergebnis",
    "teilergebnis",
    "ergebnis",
    "total général",
    "total general",
    "sous-total",
    "somme",
    "suma",
    "soma",
    "total geral",
    "totale",
    "subtotale",
    "somma",
    "totale complessivo",
    "totaal",
    "subtotaal",
    "eindtotaal",
    "итого",
    "всего",
    "итог",
    "сумма",
    "подытог",
    "общий итог",
    "промежуточный итог",
    "разом",
    "усього",
    "всього",
    "підсумок",
    "сума",
    "kokku",
    "summa",
    "vahesumma",
    "üldsumma",
    "kogusumma",
    "yhteensä",
    "välisumma",
    "loppusumma",
    "kokonaissumma",
    "totalt",
    "totalsumma",
    "delsumma",
    "slutsumma",
    "sammanlagt",
    "i alt",
    "delsum",
    "kopā",
    "kopsumma",
    "starpsumma",
    "iš viso",
    "viso",
    "tarpinė suma",
    "bendra suma",
    "razem",
    "ogółem",
    "łącznie",
    "celkem",
    "součet",
    "mezisoučet",
    "spolu",
    "súčet",
    "medzisúčet",
    "összesen",
    "részösszeg",
    "végösszeg",
    "общо",
    "ukupno",
    "skupaj",
    "vsota",
    "toplam",
    "ara toplam",
    "σύνολο",
];

/// Words and signs of scripts that set no blanks.
const SIGNS: [&str; 11] = ["Σ", "∑", "合計", "小計", "総計", "合计", "小计", "总计", "합계", "소계", "총계"];

/// The words for what is added to what is billed or taken off it, in lower case.
const ADDITIONS: [&str; 32] = [
    "discount",
    "rabatt",
    "skonto",
    "nachlass",
    "remise",
    "allahindlus",
    "vat",
    "tax",
    "taxes",
    "gst",
    "mwst",
    "ust",
    "mehrwertsteuer",
    "umsatzsteuer",
    "steuer",
    "tva",
    "iva",
    "btw",
    "moms",
    "mva",
    "käibemaks",
    "km",
    "alv",
    "pvm",
    "pvn",
    "ptu",
    "dph",
    "áfa",
    "kdv",
    "пдв",
    "ндс",
    "ддс",
];

/// The longest text that can be such a word.
const LONGEST: usize = 64;

/// The words of plain letters by their first one: nearly every name is told from them by it.
static BY_LETTER: LazyLock<[Vec<&str>; 26]> = LazyLock::new(|| {
    let mut by_letter: [Vec<&str>; 26] = Default::default();
    for word in WORDS {
        if let Some(own) = letter(word).and_then(|letter| by_letter.get_mut(letter)) {
            own.push(word);
        }
    }
    by_letter
});

fn letter(text: &str) -> Option<usize> {
    let first = text.as_bytes().first()?.to_ascii_lowercase();
    first.is_ascii_lowercase().then(|| usize::from(first - b'a'))
}

/// Whether a text is such a word and nothing else.
pub fn is_total(text: &str) -> bool {
    // No such word begins with a digit, as most ids, months and amounts do.
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let text = text.trim().trim_end_matches([':', '.', '=']).trim_end();
    if text.is_empty() || text.len() > LONGEST {
        return false;
    }
    if text.is_ascii() {
        let words = letter(text).map_or(&[][..], |letter| &BY_LETTER[letter]);
        return words.iter().any(|word| word.len() == text.len() && word.eq_ignore_ascii_case(text));
    }
    let folded = text.to_lowercase();
    WORDS.contains(&folded.as_str()) || SIGNS.contains(&text)
}

/// Whether a text begins or ends with such a word: `Total November`, `Summe:`, `climate-alps Total`.
pub fn names_total(text: &str) -> bool {
    if is_total(text) {
        return true;
    }
    if text.len() > 4 * LONGEST {
        return false;
    }
    let folded = text.trim().to_lowercase();
    let folded = folded.trim_end_matches([':', '.', '=']).trim_end();
    let is_end = |rest: &str, next: Option<char>| {
        !rest.is_empty() && next.is_some_and(|next| !next.is_alphanumeric() && !matches!(next, '-' | '_'))
    };
    let begins =
        |word: &&str| folded.strip_prefix(*word).is_some_and(|rest| is_end(rest, rest.chars().next()));
    let ends =
        |word: &&str| folded.strip_suffix(*word).is_some_and(|rest| is_end(rest, rest.chars().next_back()));
    WORDS.iter().any(|word| begins(word) || ends(word))
        || SIGNS.iter().any(|sign| text.trim().starts_with(sign) || text.trim().ends_with(sign))
}

/// The same of a text of which most are names of resources; it looks at the ends alone.
pub fn may_name_total(text: &str) -> bool {
    if text.len() > 4 * LONGEST || memchr::memchr3(b' ', b':', b'(', text.as_bytes()).is_none() {
        return false;
    }
    let is_between = |one: char| !one.is_alphanumeric() && !matches!(one, '-' | '_');
    let mut first = text.split(is_between).filter(|word| !word.is_empty());
    let mut last = text.rsplit(is_between).filter(|word| !word.is_empty());
    let is_end = |word: Option<&str>| word.is_some_and(is_total);
    // Of two words such as `grand total` one is at either end, or next to it.
    (is_end(first.next()) || is_end(first.next()) || is_end(last.next()) || is_end(last.next()))
        && names_total(text)
}

/// Whether a text speaks of tax or a discount and of nothing else: `VAT`, `zzgl. 19 % MwSt.`, `Rabatt (5%):`.
pub fn names_addition(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let folded = text.to_lowercase();
    let words = folded.split(|one: char| !one.is_alphabetic()).filter(|word| !word.is_empty());
    let beside = ["plus", "incl", "excl", "inkl", "zzgl", "exkl", "of", "on", "at", "rate", "total"];
    let (additions, others): (Vec<&str>, Vec<&str>) = words.partition(|word| ADDITIONS.contains(word));
    !additions.is_empty() && others.iter().all(|word| beside.contains(word))
}

/// Whether a word stands in a text on its own, whatever the case of both.
pub fn names_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.trim().to_lowercase());
    let is_edge =
        |next: Option<char>| next.is_none_or(|one| !one.is_alphanumeric() && !matches!(one, '-' | '_'));
    !word.is_empty()
        && text.match_indices(&word).any(|(at, _)| {
            is_edge(text[..at].chars().next_back()) && is_edge(text[at + word.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_are_known_where_nothing_else_is_named() {
        for text in
            ["VAT", "zzgl. 19 % MwSt.", "Rabatt 5 %", "Tax (22%):", "Käibemaks 22%", "19 % USt", "ПДВ 20%"]
        {
            assert!(names_addition(text), "{text}");
        }
        for text in ["", "taxonomy", "tax-office", "vat-import", "climate", "19 %", "cost"] {
            assert!(!names_addition(text), "{text}");
        }
    }

    #[test]
    fn totals_are_known_in_many_languages() {
        for text in
            ["Total", "TOTAL:", " Summe ", "Итого:", "Kokku", "Yhteensä", "Total général", "Σ", "合計"]
        {
            assert!(is_total(text), "{text}");
        }
        for text in ["Total November", "Summe 2026-11", "climate-alps Total", "Total (all)", "Ergebnis: cpu"]
        {
            assert!(!is_total(text) && names_total(text), "{text}");
            assert!(may_name_total(text), "{text}");
        }
        for text in
            ["", "climate-alps", "totality", "total-energies", "summer", "x_total", "viso2", "subtotals1"]
        {
            assert!(!names_total(text) && !may_name_total(text), "{text}");
        }
        assert!(names_word("Total CPU (all)", "cpu") && names_word("gpu_hours total", "gpu_hours"));
        assert!(
            !names_word("Total gpu_hours", "gpu") && !names_word("Total", "") && !names_word("Total", "cpu")
        );
    }
}
