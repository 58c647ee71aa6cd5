//! Components: what an offering meters.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The internal name of a component within its offering, such as `cpu` or `gpu_hours`; its case
/// matters to the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentType(Arc<str>);

/// A text is empty or longer than any component type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a component type")]
pub struct ComponentTypeError;

impl ComponentType {
    /// The text as the API spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ComponentType {
    type Err = ComponentTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.chars().count() > 255 {
            Err(ComponentTypeError)
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl TryFrom<String> for ComponentType {
    type Error = ComponentTypeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ComponentType> for String {
    fn from(component: ComponentType) -> Self {
        component.0.as_ref().to_owned()
    }
}

impl fmt::Display for ComponentType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&super::visible(&self.0), formatter)
    }
}

/// How a component is billed; decides whether its usage may be reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum BillingType {
    /// By reported usage (`usage`).
    Usage,
    /// By the ordered limit (`limit`); reported usage is for display.
    Limit,
    /// A fixed price (`fixed`); usage cannot be reported.
    Fixed,
    /// Once, when the resource is made (`one`).
    OneTime,
    /// Once, when the plan is switched (`few`).
    OnPlanSwitch,
    /// A billing type that this version of the program does not know.
    Other(String),
}

impl From<String> for BillingType {
    fn from(text: String) -> Self {
        match text.as_str() {
            "usage" => Self::Usage,
            "limit" => Self::Limit,
            "fixed" => Self::Fixed,
            "one" => Self::OneTime,
            "few" => Self::OnPlanSwitch,
            _ => Self::Other(text),
        }
    }
}

impl From<BillingType> for String {
    fn from(billing_type: BillingType) -> Self {
        billing_type.to_string()
    }
}

impl fmt::Display for BillingType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Usage => "usage",
            Self::Limit => "limit",
            Self::Fixed => "fixed",
            Self::OneTime => "one",
            Self::OnPlanSwitch => "few",
            Self::Other(text) => text,
        })
    }
}
