//! Names that stand for names: the same name of a server always gives the same pseudonym.
//!
//! A pseudonym hides a name from whoever reads the file. It does not withstand somebody who knows the
//! server's address, guesses a name and computes its pseudonym; the guide says so.

use crate::domain::sha256;

/// How many hexadecimal digits a pseudonym has; two names of a server hardly ever share so many.
const DIGITS: usize = 12;

/// What becomes of the names of a server in a copy of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They stay as they are.
    Kept,
    /// Pseudonyms stand in their place.
    Pseudonyms,
}

/// Gives names to the things of one server's copy.
#[derive(Debug)]
pub(super) struct Pseudonyms {
    server: String,
    names: Names,
}

impl Pseudonyms {
    pub(super) fn new(server: &str, names: Names) -> Self {
        Self { server: server.to_owned(), names }
    }

    /// The name of a thing in the copy; what has no name gets none.
    pub(super) fn name(&self, kind: &str, name: &str) -> String {
        match self.names {
            Names::Kept => name.to_owned(),
            Names::Pseudonyms if name.is_empty() => String::new(),
            Names::Pseudonyms => format!("{kind}-{}", &self.digest(kind, name)[..DIGITS]),
        }
    }

    /// What only the user's own wish lets into the copy, and something harmless in its place.
    pub(super) fn text(&self, text: &str, instead: &str) -> String {
        match self.names {
            Names::Kept => text.to_owned(),
            Names::Pseudonyms => instead.to_owned(),
        }
    }

    /// A digest that is keyed by the server, in 64 hexadecimal digits.
    pub(super) fn digest(&self, kind: &str, text: &str) -> String {
        sha256(format!("{}\0{kind}\0{text}", self.server).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_pseudonym_on_each_server() {
        let here = Pseudonyms::new("https://here.example.com", Names::Pseudonyms);
        let there = Pseudonyms::new("https://there.example.com", Names::Pseudonyms);
        assert_eq!(here.name("project", "Flame"), here.name("project", "Flame"));
        assert_ne!(here.name("project", "Flame"), here.name("project", "flame"));
        assert_ne!(here.name("project", "Flame"), there.name("project", "Flame"));
        let digits = |name: String| name.rsplit_once('-').unwrap().1.to_owned();
        assert_ne!(digits(here.name("project", "Flame")), digits(here.name("resource", "Flame")));
        assert_eq!(here.name("project", ""), "");
        assert_eq!(Pseudonyms::new("", Names::Kept).name("project", "Flame"), "Flame");
    }
}
