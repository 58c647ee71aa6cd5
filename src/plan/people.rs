//! The usage of single users in a plan: what is stored of them under which total, and what will be.
//!
//! The server keeps a user's usage under a stored usage, its *total*, and knows it by the username. The
//! laws kept here: a user's row is sent for the total that the plan means, whichever others its key has;
//! it is never counted as, or added to, the whole.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Amount, ComponentType, PlanPeriodId, ReportableAmount, ResourceId, UsageId};

use super::document::{Line, Plan, ResourcePlan, SourceRow};
use super::month_state::MonthState;
use super::now::{Standing, StoredRows};

/// The usage of a user as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPerson {
    /// The stored usage that it is a part of.
    pub total: UsageId,
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: ComponentType,
    /// The user.
    pub username: String,
    /// What they used.
    pub amount: Amount,
}

/// Stored usages of users, by their total and their name.
pub type StoredPeople<'a> = HashMap<(UsageId, &'a str), Amount>;

/// Stored usages of users, by their total and their name.
pub fn by_name(stored: &[StoredPerson]) -> StoredPeople<'_> {
    stored.iter().map(|person| ((person.total, person.username.as_str()), person.amount)).collect()
}

/// The sums of users by their total.
pub fn sums_by_total(stored: &[StoredPerson]) -> HashMap<UsageId, Amount> {
    let mut sums: HashMap<UsageId, Amount> = HashMap::new();
    for person in stored {
        let sum = sums.entry(person.total).or_default();
        *sum = sum.checked_add(person.amount).unwrap_or(*sum);
    }
    sums
}

/// What is read of a resource before and after the usage of its users is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredMonth {
    /// Its stored usages.
    pub usages: Vec<super::StoredUsage>,
    /// Those of its users.
    pub people: Vec<StoredPerson>,
}

/// The usage of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLine {
    /// The component.
    pub component: ComponentType,
    /// The user.
    pub username: String,
    /// The address of the user among those of the offering, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The stored usage that it is a part of; `None` where that is posted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<UsageId>,
    /// The plan period that its total stands under, or will, as far as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_period: Option<PlanPeriodId>,
    /// What is stored; `None` where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Amount>,
    /// What will be.
    pub new: ReportableAmount,
    /// What the month is to it.
    #[serde(default, skip_serializing_if = "MonthState::is_open")]
    pub month: MonthState,
    /// Why it is not sent, where it is not although its month is not closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// What is particular about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The cell that the amount comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The row of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRow>,
}

impl PersonLine {
    /// Whether what is stored is what is wanted.
    pub fn is_same(&self) -> bool {
        self.old == Some(self.new.get())
    }

    /// Whether it is to be sent.
    pub fn is_posted(&self) -> bool {
        !self.is_same() && self.takes_posts()
    }

    /// Whether it would have to change and cannot be sent.
    pub fn is_correction(&self) -> bool {
        !self.is_same() && !self.takes_posts()
    }

    fn takes_posts(&self) -> bool {
        self.month.takes_posts() && self.withheld.is_none()
    }

    /// The word for what happens to it.
    pub fn action(&self) -> &'static str {
        match self.old {
            _ if self.is_same() => "same",
            None => "create",
            Some(_) => "update",
        }
    }
}

/// How many lines of users have each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PeopleCounts {
    /// Users of whom nothing is stored under their total.
    pub create: usize,
    /// Users whose stored usage changes.
    pub update: usize,
    /// Users whose usage is stored as wanted.
    pub same: usize,
    /// Users whose usage differs and cannot be sent, because their month is closed.
    pub closed: usize,
}

impl PeopleCounts {
    /// Counts the users of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        for person in plan.resources.iter().flat_map(|resource| &resource.people) {
            *match person.old {
                _ if person.is_correction() => &mut counts.closed,
                _ if person.is_same() => &mut counts.same,
                None => &mut counts.create,
                Some(_) => &mut counts.update,
            } += 1;
        }
        counts
    }

    /// How many are sent.
    pub fn changes(&self) -> usize {
        self.create + self.update
    }

    /// Whether there is no user in the plan.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Line {
    /// What is stored of it once the plan was carried out, where something is.
    pub(super) fn amount_then(&self) -> Option<Amount> {
        let old = self.change.old().map(|old| old.amount);
        self.posted().map(|new| new.amount.get()).or(old)
    }

    /// Whether it is set to zero from something else.
    pub(super) fn is_emptied(&self) -> bool {
        self.posted().is_some_and(|new| new.amount.get().is_zero())
            && self.change.old().is_some_and(|old| !old.amount.is_zero())
    }
}

impl ResourcePlan {
    /// The users whose usage is to be sent.
    pub fn posted_people(&self) -> impl Iterator<Item = &PersonLine> {
        self.people.iter().filter(|person| person.is_posted())
    }

    /// The line of a user's total.
    pub fn total_line(&self, person: &PersonLine) -> Option<&Line> {
        let mut own = self.lines.iter().filter(|line| line.component == person.component);
        match person.total {
            Some(id) => own.find(|line| line.row == Some(id)),
            None => own.find(|line| line.plan_period == person.plan_period),
        }
    }

    /// Whether users of a total are sent before it: where it is set to zero. A newer server that is
    /// told of a user while the total is zero takes the sum of the users for the total, and bills it.
    pub fn goes_before_its_total(&self, person: &PersonLine) -> bool {
        self.total_line(person).is_some_and(Line::is_emptied)
    }

    /// What is stored of a user's total.
    pub fn total_of(&self, person: &PersonLine, rows: &StoredRows<'_>) -> Option<(UsageId, Amount)> {
        let stored = rows.get(&(self.resource, person.component.clone())).map_or(&[][..], Vec::as_slice);
        if let Some(own) = stored.iter().find(|row| Some(row.id) == person.total) {
            return Some((own.id, own.amount));
        }
        let now = self.now(self.total_line(person)?, rows);
        Some((now.row()?, now.figures()?.amount))
    }

    /// What is stored of a user.
    pub fn person_now(
        &self,
        person: &PersonLine,
        rows: &StoredRows<'_>,
        people: &StoredPeople<'_>,
    ) -> Option<Amount> {
        let (total, _) = self.total_of(person, rows)?;
        people.get(&(total, person.username.as_str())).copied()
    }

    /// How a user's line stands.
    pub fn person_standing(
        &self,
        person: &PersonLine,
        rows: &StoredRows<'_>,
        people: &StoredPeople<'_>,
    ) -> Standing {
        match self.person_now(person, rows, people) {
            now if now == Some(person.new.get()) => Standing::AsPlanned,
            now if now == person.old => Standing::AsBefore,
            _ => Standing::Otherwise,
        }
    }
}

impl Plan {
    /// Whether the usage of any user is in it.
    pub fn has_people(&self) -> bool {
        self.resources.iter().any(|resource| !resource.people.is_empty())
    }

    /// What differs of users and cannot be sent, because its month is closed.
    pub fn people_corrections(&self) -> impl Iterator<Item = (&ResourcePlan, &PersonLine)> {
        let people = self
            .resources
            .iter()
            .flat_map(|resource| resource.people.iter().map(move |person| (resource, person)));
        people.filter(|(_, person)| person.is_correction())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::super::change::{Change, Figures, Wanted};
    use super::super::document::{Header, Made, Reporter, Scope};
    use super::super::now::Standing::{AsBefore, AsPlanned, Otherwise};
    use super::super::now::by_key;
    use super::super::stored::StoredUsage;
    use super::*;
    use crate::domain::{BillingType, CarryOver, CustomerId, OfferingId, Role, RunId, UserId};
    use crate::findings::RowCounts;
    use crate::resolve::Capabilities;

    pub fn set(amount: &str) -> ReportableAmount {
        Amount::parse(amount).unwrap().try_into().unwrap()
    }

    fn row(component: &str) -> UsageId {
        UsageId::new(Uuid::from_u128(component.bytes().map(u128::from).sum()))
    }

    /// A line that sets its total, or leaves it.
    pub fn line(component: &str, old: Option<&str>, new: Option<&str>) -> Line {
        let figures = |amount: &str| Figures {
            amount: Amount::parse(amount).unwrap(),
            description: String::new(),
            carry_over: CarryOver::None,
        };
        let new = new.map(|new| Wanted {
            amount: set(new),
            description: String::new(),
            carry_over: CarryOver::None,
        });
        let change = match (old.map(figures), new) {
            (Some(old), None) => Change::OnlyOnServer { old },
            (old, new) => Change::between(new.unwrap(), old),
        };
        Line {
            component: component.parse().unwrap(),
            unit: "h".into(),
            billing_type: BillingType::Usage,
            has_limit: false,
            unit_price: None,
            row: old.map(|_| row(component)),
            plan_period: None,
            by_plan_period: false,
            frozen: None,
            month: MonthState::Open,
            invoice: None,
            note: None,
            place: change.wanted().map(|_| "a.csv".into()),
            source: None,
            withheld: None,
            change,
        }
    }

    /// A user whose total is stored, where the lines say so.
    pub fn person(component: &str, username: &str, old: Option<&str>, new: &str) -> PersonLine {
        PersonLine {
            component: component.parse().unwrap(),
            username: username.into(),
            user: None,
            total: old.map(|_| row(component)),
            plan_period: None,
            old: old.map(|old| Amount::parse(old).unwrap()),
            new: set(new),
            month: MonthState::Open,
            withheld: None,
            note: None,
            place: None,
            source: None,
        }
    }

    /// A plan of one resource, whose users all have the total that the lines give them.
    pub fn plan(lines: Vec<Line>, mut people: Vec<PersonLine>) -> Plan {
        for person in &mut people {
            let own = lines.iter().find(|line| line.component == person.component);
            person.total = own.and_then(|line| line.row);
        }
        let id = Uuid::from_u128;
        let period = "2026-11".parse().unwrap();
        let made = Made { run: RunId::new(id(1)), at: jiff::Timestamp::UNIX_EPOCH, tool_version: "0".into() };
        let header = Header {
            server: "http://localhost/".into(),
            sandbox: None,
            account: Reporter { id: UserId::new(id(1)), role: Role::Staff },
            period,
            current_period: period,
            inputs: Vec::new(),
            made_with: Vec::new(),
            rows: RowCounts::default(),
            rows_left_out: 0,
            rounding: None,
            scope: Scope::default(),
            capabilities: Capabilities::default(),
        };
        let resource = ResourcePlan {
            resource: ResourceId::new(id(9)),
            name: "one".into(),
            offering: OfferingId::new(id(8)),
            offering_name: "offering".into(),
            project_name: "project".into(),
            customer: CustomerId::new(id(7)),
            customer_name: "customer".into(),
            plan_periods: Vec::new(),
            lines,
            kept: Vec::new(),
            people,
        };
        Plan { made, header, resources: vec![resource] }
    }

    fn stored(component: &str, amount: &str) -> StoredUsage {
        StoredUsage {
            id: row(component),
            resource: ResourceId::new(Uuid::from_u128(9)),
            component: component.parse().unwrap(),
            period: "2026-11".parse().unwrap(),
            amount: Amount::parse(amount).unwrap(),
            description: String::new(),
            carry_over: CarryOver::None,
            modified_by: None,
        }
    }

    #[test]
    fn a_user_is_looked_for_under_the_total_of_the_plan() {
        let plan = plan(
            vec![line("cpu", None, Some("10")), line("ram", Some("5"), None)],
            vec![person("cpu", "anna", None, "4"), person("ram", "anna", Some("1"), "5")],
        );
        let resource = &plan.resources[0];
        let part = |component: &str, amount: &str| StoredPerson {
            total: row(component),
            resource: resource.resource,
            component: component.parse().unwrap(),
            username: "anna".into(),
            amount: Amount::parse(amount).unwrap(),
        };
        let standings = |usages: &[StoredUsage], people: &[StoredPerson]| {
            let (rows, people) = (by_key(usages), by_name(people));
            let standing = |person| resource.person_standing(person, &rows, &people);
            resource.people.iter().map(standing).collect::<Vec<_>>()
        };
        let ram = stored("ram", "5");
        assert_eq!(standings(std::slice::from_ref(&ram), &[part("ram", "1")]), [AsBefore, AsBefore]);
        assert_eq!(standings(std::slice::from_ref(&ram), &[]), [AsBefore, Otherwise]);
        let both = [stored("cpu", "10"), ram];
        assert_eq!(standings(&both, &[part("ram", "5"), part("cpu", "4")]), [AsPlanned, AsPlanned]);
        assert_eq!(standings(&both, &[part("ram", "7"), part("cpu", "3")]), [Otherwise, Otherwise]);
    }

    #[test]
    fn users_are_counted_apart_from_totals() {
        let mut plan = plan(
            vec![line("cpu", Some("10"), None)],
            vec![
                person("cpu", "anna", None, "4"),
                person("cpu", "bert", Some("1"), "5"),
                person("cpu", "carl", Some("5"), "5"),
                person("cpu", "dora", None, "1"),
            ],
        );
        plan.resources[0].people[3].month = MonthState::Closed;
        let counts = PeopleCounts::of(&plan);
        assert_eq!(counts, PeopleCounts { create: 1, update: 1, same: 1, closed: 1 });
        assert!(plan.resources[0].has_changes());
        assert_eq!((plan.rows_closed(), plan.corrections().count()), (1, 0));
        let text = serde_json::to_string(&plan.file()).unwrap();
        assert_eq!(Plan::from_json(text.as_bytes()).unwrap(), plan);
    }
}
