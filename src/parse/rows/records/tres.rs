//! Quantities behind keys in one cell, as SLURM writes what a job was given: `cpu=4,mem=16G,gres/gpu=1`.

use crate::domain::Exact;

/// What such a cell says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keyed {
    /// So much.
    Some(Exact),
    /// Nothing.
    Absent,
    /// It names kinds of it (`gres/gpu:a100`) and not all of it.
    KindsAlone(String),
    /// It cannot be read.
    Unreadable,
}

/// Finds the quantity behind a key. `in_mebi` lets it end in K, M, G, T or P, and counts it in M.
pub(super) fn keyed(text: &str, key: &str, in_mebi: bool) -> Keyed {
    let mut found = None;
    let mut kind = None;
    for part in text.split(',') {
        let Some((name, quantity)) = part.split_once('=') else { return Keyed::Unreadable };
        if name.trim() == key {
            let quantity = read(quantity.trim(), in_mebi);
            match (quantity, &found) {
                (Some(quantity), None) => found = Some(quantity),
                // A key that stands twice says nothing that can be relied on.
                _ => return Keyed::Unreadable,
            }
        } else if name.trim().strip_prefix(key).is_some_and(|rest| rest.starts_with(':')) {
            kind.get_or_insert_with(|| name.trim().to_owned());
        }
    }
    match (found, kind) {
        (Some(quantity), _) => Keyed::Some(quantity),
        (None, Some(kind)) => Keyed::KindsAlone(kind),
        (None, None) => Keyed::Absent,
    }
}

fn read(text: &str, in_mebi: bool) -> Option<Exact> {
    let number = |text: &str| -> Option<Exact> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_plain { text.parse().ok() } else { None }
    };
    // 1/1024 is 0.0009765625, so a kibibyte is exact too.
    let (digits, scale) = match text.bytes().last()? {
        b'K' => (9_765_625_i128, 10),
        b'M' => (1, 0),
        b'G' => (1024, 0),
        b'T' => (1024 * 1024, 0),
        b'P' => (1024 * 1024 * 1024, 0),
        _ => return number(text),
    };
    let quantity = number(&text[..text.len() - 1]).filter(|_| in_mebi)?;
    Some(&quantity * &Exact::of_parts(digits, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_found_behind_their_keys() {
        let text = "billing=4,cpu=4,gres/gpu=2,gres/gpu:a100=2,mem=16G,node=1";
        let found = |key: &str, in_mebi| match keyed(text, key, in_mebi) {
            Keyed::Some(quantity) => quantity.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(found("cpu", false), "4");
        assert_eq!(found("gres/gpu", false), "2");
        assert_eq!(found("mem", true), "16384");
        assert_eq!(found("mem", false), "Unreadable");
        assert_eq!(found("energy", false), "Absent");
        let alone = keyed("cpu=1,gres/gpu:a100=2", "gres/gpu", false);
        assert_eq!(alone, Keyed::KindsAlone("gres/gpu:a100".into()));
        for text in ["", "cpu", "cpu=", "cpu=-1", "cpu=1,cpu=2", "cpu=1e3", "cpu=G", "cpu=1;mem=2"] {
            assert_eq!(keyed(text, "cpu", true), Keyed::Unreadable, "{text}");
        }
        let kibi = keyed("mem=512K", "mem", true);
        assert_eq!(kibi, Keyed::Some(&"512".parse().unwrap() * &Exact::of_parts(9_765_625, 10)));
    }
}
