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
