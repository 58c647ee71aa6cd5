//! What rows of usages repeat of their resource and of their component, kept as it is written.
//!
//! Names and ids of resources, offerings, projects, customers and components never change while a
//! sandbox runs, and lists of usages name all of them in each row.

use super::object::Fields;
use crate::sandbox::data::Data;

/// The fields of each resource and of each component, by position; written when first asked for.
#[derive(Debug)]
pub(in crate::sandbox) struct ConstantFields {
    resources: Vec<Fields>,
    components: Vec<Fields>,
}

impl ConstantFields {
    pub(in crate::sandbox) fn of(data: &Data) -> Self {
        Self {
            resources: data.resources.iter().map(|_| Fields::default()).collect(),
            components: data.components.iter().map(|_| Fields::default()).collect(),
        }
    }

    pub(super) fn resource(&self, at: usize) -> &Fields {
        &self.resources[at]
    }

    pub(super) fn component(&self, at: usize) -> &Fields {
        &self.components[at]
    }
}
