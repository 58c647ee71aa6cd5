//! That each project and organisation of a scope is one that somebody has a resource in.
//!
//! One that is misspelt would only make the scope smaller, and what is then compared, posted or asked
//! for would look whole.

use crate::domain::{Selector, nearest, visible};
use crate::error::Error;
use crate::resolve::{ResolveSettings, Resource};

/// Refuses a scope that names what no resource is in.
pub fn refuse_unknown<'a>(
    settings: &ResolveSettings,
    resources: impl Iterator<Item = &'a Resource> + Clone,
) -> Result<(), Error> {
    let projects = resources.clone().map(|own| (own.project.uuid(), own.project_name.as_str()));
    refuse("--project", "project", &settings.projects, projects)?;
    let customers = resources.map(|own| (own.customer.uuid(), own.customer_name.as_str()));
    refuse("--customer", "organisation", &settings.customers, customers)
}

/// Refuses a flag of which a value picks none of the things that there are.
pub fn refuse<'a>(
    flag: &str,
    what: &str,
    selectors: &[Selector],
    known: impl Iterator<Item = (uuid::Uuid, &'a str)> + Clone,
) -> Result<(), Error> {
    let unknown = selectors.iter().find(|own| !known.clone().any(|(id, name)| own.picks(id, name)));
    let Some(unknown) = unknown else { return Ok(()) };
    let named = visible(&unknown.to_string()).to_string();
    let near = match unknown {
        Selector::Name(name) => nearest(name, known.map(|(_, own)| own)),
        Selector::Id(_) => None,
    };
    let said = match unknown {
        Selector::Name(_) => format!("{flag}: no {what} in scope is named \"{named}\""),
        Selector::Id(_) => format!("{flag}: no {what} in scope has the uuid {named}"),
    };
    let hint = near.map_or_else(
        || format!("name one that has a resource of the offerings in scope; its uuid works too, or leave {flag} out"),
        |near| format!("did you mean \"{}\"?", visible(near)),
    );
    Err(Error::setting(said, hint))
}
