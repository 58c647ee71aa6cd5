//! The names of months in the languages that usage files are written in.
//!
//! A name stands here only where it means one month in all of them, full or cut short as people do;
//! Finnish names carry the endings that stand after a day.

/// The names of the months, January first: English, German, French, Spanish, Italian, Dutch, Norwegian,
/// Swedish, Danish, Finnish, Estonian.
const NAMES: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "jän", "janvier", "janv", "enero", "ene", "gennaio", "gen",
        "januari", "tammikuu", "tammi", "jaanuar", "jaan",
    ],
    &[
        "february", "feb", "febr", "februar", "feber", "février", "fevrier", "févr", "fevr", "fév",
        "febrero", "febbraio", "februari", "helmikuu", "helmi", "veebruar", "veebr",
    ],
    &[
        "march",
        "mar",
        "märz",
        "maerz",
        "mär",
        "mrz",
        "mars",
        "marzo",
        "maart",
        "mrt",
        "marts",
        "maaliskuu",
        "maalis",
        "märts",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile", "huhtikuu", "huhti", "aprill"],
    &["may", "mai", "mayo", "maggio", "mag", "mei", "maj", "toukokuu", "touko"],
    &["june", "jun", "juni", "juin", "junio", "giugno", "giu", "kesäkuu", "kesä", "juuni"],
    &["july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "heinäkuu", "heinä", "juuli"],
    &["august", "aug", "août", "aout", "agosto", "ago", "augustus", "augusti", "elokuu", "elo"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "setiembre",
        "settembre",
        "set",
        "sett",
        "syyskuu",
        "syys",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "lokakuu", "loka",
        "oktoober",
    ],
    &["november", "nov", "novembre", "noviembre", "marraskuu", "marras"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "decembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "desember",
        "des",
        "joulukuu",
        "joulu",
        "detsember",
        "dets",
    ],
];

/// The endings of Finnish names after a day, and in a month.
const FINNISH: [&str; 3] = ["ta", "n", "ssa"];

/// The month that a name means, 1 to 12.
pub fn month(name: &str) -> Option<i8> {
    let name = name.to_lowercase();
    let stem =
        FINNISH.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| stem.ends_with("kuu"));
    let name = stem.unwrap_or(&name);
    (1..).zip(NAMES).find(|(_, names)| names.contains(&name)).map(|(month, _)| month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_month() {
        let mut all: Vec<&str> = NAMES.concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| *name == name.to_lowercase()));
    }

    #[test]
    fn months_are_known_in_many_languages() {
        let table = [
            ("Oct", 10),
            ("OKTOBER", 10),
            ("März", 3),
            ("août", 8),
            ("Août", 8),
            ("noviembre", 11),
            ("oktoober", 10),
            ("marraskuuta", 11),
            ("marraskuussa", 11),
            ("desember", 12),
            ("maj", 5),
            ("mrt", 3),
            ("gen", 1),
        ];
        for (name, expected) in table {
            assert_eq!(month(name), Some(expected), "{name}");
        }
        for name in ["", "w", "q4", "listopad", "octo", "kuuta", "novemberta"] {
            assert_eq!(month(name), None, "{name}");
        }
    }
}
