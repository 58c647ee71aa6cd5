//! The layouts that come with the program.

use std::sync::{Arc, OnceLock};

use super::{Form, Layout};

/// Their texts, in the order in which they are listed.
const TEXTS: [&str; 8] = [
    include_str!("../../../templates/layouts/waldur-long.toml"),
    include_str!("../../../templates/layouts/waldur-wide.toml"),
    include_str!("../../../templates/layouts/waldur-export.toml"),
    include_str!("../../../templates/layouts/slurm-sreport.toml"),
    include_str!("../../../templates/layouts/slurm-sreport-tres.toml"),
    include_str!("../../../templates/layouts/slurm-sacct.toml"),
    include_str!("../../../templates/layouts/cloudkitty.toml"),
    include_str!("../../../templates/layouts/focus.toml"),
];

/// A layout with its text.
#[derive(Debug, Clone)]
pub struct Shipped {
    /// The layout.
    pub layout: Arc<Layout>,
    /// Its text.
    pub text: &'static str,
}

/// Every layout that comes with the program; a test reads them all.
pub fn shipped() -> &'static [Shipped] {
    static SHIPPED: OnceLock<Vec<Shipped>> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let layouts = TEXTS.iter().filter_map(|text| {
            let layout = Layout::parse(text).ok()?;
            Some(Shipped { layout: Arc::new(layout), text })
        });
        layouts.collect()
    })
}

impl Layout {
    /// The layout of our own long or wide form.
    pub fn of_ours(is_long: bool) -> Arc<Self> {
        let name = if is_long { "waldur-long" } else { "waldur-wide" };
        let form = if is_long { Form::WaldurLong } else { Form::WaldurWide };
        let known = shipped().iter().find(|shipped| shipped.layout.name == name);
        let made = || Arc::new(Self { name: name.into(), title: String::new(), form });
        known.map_or_else(made, |shipped| shipped.layout.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mapping::Field;

    #[test]
    fn every_layout_that_is_shipped_is_one() {
        for text in TEXTS {
            Layout::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
        assert_eq!(shipped().len(), TEXTS.len());
        let names: BTreeSet<&str> = shipped().iter().map(|own| own.layout.name.as_str()).collect();
        assert_eq!(names.len(), TEXTS.len());
    }

    #[test]
    fn our_own_forms_list_the_fields_that_they_have() {
        let text =
            |name: &str| shipped().iter().find(|own| own.layout.name == name).map_or("", |own| own.text);
        for field in Field::ALL {
            let is_listed = |name: &str| text(name).contains(&format!("\"{}\"", field.name()));
            assert!(is_listed("waldur-long"), "{}", field.name());
            let is_of_long = matches!(field, Field::ComponentType | Field::Amount | Field::Unit);
            assert_eq!(is_listed("waldur-wide"), !is_of_long, "{}", field.name());
        }
    }
}
