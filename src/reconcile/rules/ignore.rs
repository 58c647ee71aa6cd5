//! What is left alone for a while, and why.

use std::fmt;

use crate::domain::{PeriodRange, visible};
use crate::reconcile::class::Class;

use super::Head;

/// A rule that leaves breaks alone. At least one of what it is for is set, and it always ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Its name and its end.
    pub head: Head,
    /// The resource, by uuid or by its name as the report has it.
    pub resource: Option<String>,
    /// The component.
    pub component: Option<String>,
    /// The months.
    pub period: Option<PeriodRange>,
    /// The classes; any where none is named.
    pub classes: Vec<Class>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Ignore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut of = Vec::new();
        if !self.classes.is_empty() {
            of.push(self.classes.iter().map(|class| class.name()).collect::<Vec<_>>().join(" and "));
        }
        if let Some(resource) = &self.resource {
            of.push(format!("resource {}", visible(resource)));
        }
        if let Some(component) = &self.component {
            of.push(format!("component {}", visible(component)));
        }
        if let Some(period) = &self.period {
            of.push(period.to_string());
        }
        write!(formatter, "{} is left alone: {}", of.join(", "), visible(&self.reason))
    }
}
