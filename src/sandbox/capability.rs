//! The capabilities of a server by name, so that each can be switched alone: `date=staff`.
//!
//! One table feeds the switch, its help and its errors. The first value of a capability is what
//! `off` means, the last is what `on` means.

use std::fmt;

use super::behaviour::{
    Behaviour, Billing, CarryOverField, CurrentUsages, DateFrom, Limits, MonthsTurn, PlanPeriodOf, RowPer,
};

/// What choosing a value does.
type Set = fn(&mut Behaviour);

/// One capability: its name, and its values with what they set.
struct Capability {
    name: &'static str,
    values: &'static [(&'static str, Set)],
}

const CAPABILITIES: [Capability; 14] = [
    Capability {
        name: "rows",
        values: &[
            ("plan-period", |it| it.rows = RowPer::PlanPeriod),
            ("month", |it| it.rows = RowPer::Month),
            ("plan-and-month", |it| it.rows = RowPer::PlanAndMonth),
        ],
    },
    Capability {
        name: "plan-period-of",
        values: &[
            ("moment", |it| it.plan_periods = PlanPeriodOf::Moment),
            ("month", |it| it.plan_periods = PlanPeriodOf::Month),
        ],
    },
    Capability {
        name: "plan-required",
        values: &[("off", |it| it.plan_required = false), ("on", |it| it.plan_required = true)],
    },
    Capability {
        name: "one-time-components",
        values: &[("off", |it| it.one_time_components = false), ("on", |it| it.one_time_components = true)],
    },
    Capability {
        name: "date",
        values: &[
            ("nobody", |it| it.date = DateFrom::Nobody),
            ("staff", |it| it.date = DateFrom::Staff),
            ("provider-for-limits", |it| it.date = DateFrom::ProviderForLimits),
            ("provider-while-open", |it| it.date = DateFrom::ProviderWhileOpen),
        ],
    },
    Capability {
        name: "limits",
        values: &[("logged", |it| it.limits = Limits::Logged), ("refused", |it| it.limits = Limits::Refused)],
    },
    Capability {
        name: "transaction",
        values: &[("off", |it| it.atomic = false), ("on", |it| it.atomic = true)],
    },
    Capability {
        name: "current-usages",
        values: &[
            ("replaced", |it| it.current_usages = CurrentUsages::Replaced),
            ("merged", |it| it.current_usages = CurrentUsages::Merged),
        ],
    },
    Capability {
        name: "missing-usage-policy",
        values: &[
            ("off", |it| it.carry_over = CarryOverField::Recurring),
            ("on", |it| it.carry_over = CarryOverField::Policy),
        ],
    },
    Capability {
        name: "bulk-user-usages",
        values: &[("off", |it| it.bulk_user_usages = false), ("on", |it| it.bulk_user_usages = true)],
    },
    Capability {
        name: "users-fill-total",
        values: &[("off", |it| it.users_fill_total = false), ("on", |it| it.users_fill_total = true)],
    },
    Capability {
        name: "list-by-year",
        values: &[("off", |it| it.list_by_year = false), ("on", |it| it.list_by_year = true)],
    },
    Capability {
        name: "billing",
        values: &[
            ("at-once", |it| it.billing = Billing::AtOnce),
            ("in-background", |it| it.billing = Billing::InBackground),
        ],
    },
    Capability {
        name: "zone",
        values: &[("off", |it| it.months = MonthsTurn::InUtc), ("on", |it| it.months = MonthsTurn::InZone)],
    },
];

/// A switch does not name a capability, or not one of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is no value after the name.
    #[error("{name} needs a value: {name}=VALUE, where VALUE can be {known}")]
    NoValue {
        /// The capability.
        name: &'static str,
        /// Its values.
        known: String,
    },
    /// No capability has the name.
    #[error("no capability is called {name}; there are {known}")]
    UnknownName {
        /// The name as it was written.
        name: String,
        /// All names.
        known: String,
    },
    /// The capability has no such value.
    #[error("{name} has no value {value}; it can be {known}")]
    UnknownValue {
        /// The capability.
        name: &'static str,
        /// The value as it was written.
        value: String,
        /// Its values.
        known: String,
    },
}

impl Behaviour {
    /// Switches one capability: `NAME=on`, `NAME=off`, or `NAME=` and one of its values.
    ///
    /// ```
    /// # use waldur_usage::sandbox::{Behaviour, DateFrom};
    /// let mut behaviour = Behaviour::dialect_2024();
    /// behaviour.switch("date=staff").unwrap();
    /// assert_eq!(behaviour.date, DateFrom::Staff);
    /// assert!(behaviour.switch("teleport=on").is_err());
    /// ```
    pub fn switch(&mut self, switch: &str) -> Result<(), SwitchError> {
        let (name, value) = switch.split_once('=').unwrap_or((switch, ""));
        let capability = CAPABILITIES
            .iter()
            .find(|capability| capability.name == name)
            .ok_or_else(|| SwitchError::UnknownName { name: name.to_owned(), known: capability_names() })?;
        let values = capability.values;
        let known = || values.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        if value.is_empty() {
            return Err(SwitchError::NoValue { name: capability.name, known: known() });
        }
        let chosen = match value {
            "off" => values.first(),
            "on" => values.last(),
            _ => values.iter().find(|(known, _)| *known == value),
        };
        let (_, set) = chosen.ok_or_else(|| SwitchError::UnknownValue {
            name: capability.name,
            value: value.to_owned(),
            known: known(),
        })?;
        set(self);
        Ok(())
    }
}

impl fmt::Display for Behaviour {
    /// Writes the dialect, the zone and the value of every capability: `2024 UTC rows=plan-period …`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.dialect, self.zone.iana_name().unwrap_or("UTC"))?;
        for capability in &CAPABILITIES {
            let is_set = |(_, set): &&(&str, Set)| {
                let mut same = self.clone();
                set(&mut same);
                same == *self
            };
            let value = capability.values.iter().find(is_set).map_or("?", |(value, _)| *value);
            write!(formatter, " {}={value}", capability.name)?;
        }
        Ok(())
    }
}

fn capability_names() -> String {
    CAPABILITIES.iter().map(|capability| capability.name).collect::<Vec<_>>().join(", ")
}

/// Every capability with its values, one a line, for help texts.
pub fn capabilities_text() -> String {
    let line = |capability: &Capability| {
        let values: Vec<_> = capability.values.iter().map(|(value, _)| *value).collect();
        format!("  {:<22}{}\n", capability.name, values.join(" | "))
    };
    CAPABILITIES.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_capability_changes_the_behaviour() {
        for capability in &CAPABILITIES {
            let behaviours: Vec<Behaviour> = capability
                .values
                .iter()
                .map(|(value, _)| {
                    let mut behaviour = Behaviour::dialect_2024();
                    behaviour.switch(&format!("{}={value}", capability.name)).unwrap();
                    behaviour
                })
                .collect();
            for (at, behaviour) in behaviours.iter().enumerate() {
                assert!(!behaviours[..at].contains(behaviour), "{} {at}", capability.name);
            }
            for (switch, expected) in [("off", behaviours.first()), ("on", behaviours.last())] {
                let mut behaviour = Behaviour::dialect_2024();
                behaviour.switch(&format!("{}={switch}", capability.name)).unwrap();
                assert_eq!(Some(&behaviour), expected, "{} {switch}", capability.name);
            }
        }
    }

    #[test]
    fn the_switches_lead_from_each_dialect_to_the_newest() {
        let newest = Behaviour::dialect_2026();
        for mut behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2025()] {
            for capability in &CAPABILITIES {
                let to = if capability.name == "limits" { "off" } else { "on" };
                behaviour.switch(&format!("{}={to}", capability.name)).unwrap();
            }
            behaviour.dialect = newest.dialect;
            assert_eq!(behaviour, newest);
        }
    }

    #[test]
    fn a_behaviour_prints_as_its_capabilities() {
        let printed = Behaviour::dialect_2026().to_string().replace(' ', "\n");
        insta::assert_snapshot!(printed, @r"
        2026
        UTC
        rows=plan-and-month
        plan-period-of=month
        plan-required=on
        one-time-components=on
        date=provider-while-open
        limits=logged
        transaction=on
        current-usages=merged
        missing-usage-policy=on
        bulk-user-usages=on
        users-fill-total=on
        list-by-year=on
        billing=in-background
        zone=on
        ");
    }

    #[test]
    fn the_guide_tells_every_capability_of_every_dialect() {
        let guide = include_str!("../../docs/sandbox.md");
        let dialects = [Behaviour::dialect_2024(), Behaviour::dialect_2025(), Behaviour::dialect_2026()];
        for capability in &CAPABILITIES {
            let start = format!("| `{}`", capability.name);
            let mut rows = guide
                .lines()
                .filter(|line| line.strip_prefix(&start).is_some_and(|rest| !rest.starts_with('-')));
            let row = rows.next().unwrap_or_else(|| panic!("no row for {}", capability.name));
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let values: Vec<&str> = capability.values.iter().map(|(value, _)| *value).collect();
            assert_eq!(cells[1], values.join(", "));
            for (cell, dialect) in cells[2..].iter().zip(&dialects) {
                let printed = dialect.to_string();
                assert!(printed.contains(&format!(" {}={cell}", capability.name)), "{row}: {printed}");
            }
        }
    }

    #[test]
    fn a_bad_switch_says_what_there_is() {
        let mut behaviour = Behaviour::dialect_2024();
        let mut error = |switch| behaviour.switch(switch).unwrap_err().to_string();
        let values = "date needs a value: date=VALUE, where VALUE can be nobody, staff, \
                      provider-for-limits, provider-while-open";
        assert_eq!((error("date"), error("date=")), (values.to_owned(), values.to_owned()));
        assert!(error("teleport").starts_with("no capability is called teleport; there are rows,"));
        assert!(
            error("dates=on").starts_with("no capability is called dates; there are rows, plan-period-of,")
        );
        assert_eq!(
            error("date=me"),
            "date has no value me; it can be nobody, staff, provider-for-limits, provider-while-open"
        );
    }
}
