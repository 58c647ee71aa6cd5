//! The lines of users: each figure of the file at the total that it is a part of.
//!
//! Nothing is guessed: a total that is not there, or that cannot be told from others of its key, is a
//! finding. What a newer server would bill is one, too: it takes the sum of the users for a total of
//! zero.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::{Amount, BillingType, ComponentType, OfferingId, ResourceId, UsageId, visible};
use crate::findings::{Code, Finding, Findings};
use crate::resolve::{HOW_TO_CHOOSE, UserUsage};

use super::change::Change;
use super::document::{Line, ResourcePlan};
use super::lines::Planner;
use super::people::{PersonLine, StoredPeople};
use super::stored::StoredUsage;

/// The users of offerings: their addresses by name; none where a name is that of several.
pub type OfferingUsers = HashMap<(OfferingId, String), Option<String>>;

/// What is stored, as far as the lines of users follow from it.
#[derive(Debug, Clone, Copy)]
pub struct PeopleStored<'a> {
    /// The stored usages of users.
    pub people: &'a StoredPeople<'a>,
    /// Their sums by total.
    pub sums: &'a HashMap<UsageId, Amount>,
    /// The users of the offerings.
    pub users: &'a OfferingUsers,
}

/// The figures of users of one component of a resource, each with its line.
type Placed<'a> = Vec<(&'a UserUsage, PersonLine)>;

/// The resources of users whose figures are not simply there already.
pub fn unsettled_people(
    wanted: &[UserUsage],
    stored: &[StoredUsage],
    people: &StoredPeople<'_>,
) -> BTreeSet<ResourceId> {
    let mut totals: HashMap<(ResourceId, &ComponentType), Vec<&StoredUsage>> = HashMap::new();
    for usage in stored {
        totals.entry((usage.resource, &usage.component)).or_default().push(usage);
    }
    let is_settled = |user: &UserUsage| match totals.get(&(user.resource, &user.component)).map(Vec::as_slice)
    {
        Some([total]) if user.plan_period.is_none() => {
            people.get(&(total.id, user.username.as_ref())) == Some(&user.amount.get())
        }
        _ => false,
    };
    wanted.iter().filter(|user| !is_settled(user)).map(|user| user.resource).collect()
}

impl Planner<'_> {
    /// Adds the lines of users to those of their resources.
    pub fn people(
        &self,
        wanted: &[UserUsage],
        stored: PeopleStored<'_>,
        resources: &mut [ResourcePlan],
        findings: &mut Findings,
    ) {
        let mut groups: BTreeMap<(ResourceId, &ComponentType), Vec<&UserUsage>> = BTreeMap::new();
        for user in wanted {
            groups.entry((user.resource, &user.component)).or_default().push(user);
        }
        let at: HashMap<ResourceId, usize> =
            resources.iter().enumerate().map(|(at, resource)| (resource.resource, at)).collect();
        for ((id, _), mut users) in groups {
            users.sort_by(|one, other| one.username.cmp(&other.username));
            let plan = at.get(&id).map(|&at| &mut resources[at]);
            let lines = plan.as_deref().map(|plan| plan.lines.as_slice()).unwrap_or_default();
            let mut placed: BTreeMap<usize, Placed<'_>> = BTreeMap::new();
            let mut lost: BTreeMap<Code, (Finding, Vec<&UserUsage>)> = BTreeMap::new();
            for user in users {
                match self.total(user, lines) {
                    Ok(at) => {
                        let person = self.person(user, &lines[at], stored);
                        placed.entry(at).or_default().push((user, person));
                    }
                    Err(finding) => lost.entry(finding.code).or_insert((finding, Vec::new())).1.push(user),
                }
            }
            for (finding, users) in lost.into_values() {
                findings.push(about(judged(finding, &users), &users));
            }
            let Some(plan) = plan else { continue };
            for (at, placed) in placed {
                judge(plan, at, &placed, stored, findings);
                plan.people.extend(placed.into_iter().map(|(_, person)| person));
            }
        }
    }

    /// The line of a user's total, by its position; a finding where it is not there or not clear.
    fn total(&self, user: &UserUsage, lines: &[Line]) -> Result<usize, Finding> {
        let own = || lines.iter().enumerate().filter(|(_, line)| line.component == user.component);
        let fits = |line: &Line| user.plan_period.is_none() || line.plan_period == user.plan_period;
        let found: Vec<(usize, &Line)> = own().filter(|(_, line)| fits(line)).collect();
        let named: Vec<(usize, &Line)> =
            found.iter().filter(|(_, line)| line.place.is_some()).copied().collect();
        let (at, line) = match (found.as_slice(), named.as_slice()) {
            ([], _) => return Err(self.without_total(user)),
            ([only], _) | (_, [only]) => *only,
            (several, _) => return Err(self.several(user, several)),
        };
        // Which of several new rows is whose cannot be told before they are there.
        let creates = |line: &Line| matches!(line.change, Change::Create { .. });
        let new: Vec<(usize, &Line)> = own().filter(|(_, line)| creates(line)).collect();
        if creates(line) && new.len() > 1 {
            return Err(self.several(user, &new));
        }
        Ok(at)
    }

    fn name(&self, id: ResourceId) -> String {
        let name = self.catalogue.resource(id).map_or("", |resource| &resource.name);
        visible(name).to_string()
    }

    fn without_total(&self, user: &UserUsage) -> Finding {
        let name = self.name(user.resource);
        let found =
            format!("{name}, {}: no total of {} is stored or in the file", user.component, user.period);
        Finding::new(Code::UserWithoutTotal, found, "a row of the whole, without a username")
            .hint("report the total of the resource in a row of its own")
    }

    fn several(&self, user: &UserUsage, lines: &[(usize, &Line)]) -> Finding {
        let name = self.name(user.resource);
        let rows: Vec<String> = lines
            .iter()
            .map(|(_, line)| {
                let amount =
                    line.change.amount_after().map_or_else(|| "-".to_owned(), |amount| amount.to_string());
                line.plan_period.map_or_else(|| amount.clone(), |period| format!("{amount} under {period}"))
            })
            .collect();
        let found = format!("{name}, {}: {} totals, {}", user.component, rows.len(), rows.join(", "));
        let is_new = lines.iter().all(|(_, line)| matches!(line.change, Change::Create { .. }));
        let hint = if is_new { "post the totals first, then the rows of users" } else { HOW_TO_CHOOSE };
        Finding::new(Code::SeveralPlanPeriods, found, "one total that the user's part is of").hint(hint)
    }

    /// The line of a user under a total.
    fn person(&self, user: &UserUsage, total: &Line, stored: PeopleStored<'_>) -> PersonLine {
        let month = self.state_of_people(user.resource, &total.billing_type);
        let offering = self.catalogue.resource(user.resource).map(|resource| resource.offering);
        let known = offering.and_then(|offering| stored.users.get(&(offering, user.username.to_string())));
        let old = total.row.and_then(|row| stored.people.get(&(row, user.username.as_ref())).copied());
        let mut person = PersonLine {
            component: user.component.clone(),
            username: user.username.to_string(),
            user: None,
            total: total.row,
            plan_period: total.plan_period,
            old,
            new: user.amount,
            month: super::MonthState::default(),
            withheld: None,
            note: None,
            place: Some(user.place.to_string()),
            source: self.source(&user.place),
        };
        if !person.is_same() {
            person.month = month;
            person.user = known.cloned().flatten();
        }
        person
    }

    fn state_of_people(&self, resource: ResourceId, billing_type: &BillingType) -> super::MonthState {
        let resource = self.catalogue.resource(resource);
        resource.map(|resource| self.reporting.state_of_people(resource, billing_type)).unwrap_or_default()
    }
}

/// Users without a total: where their sum is positive, a newer server would bill it.
fn judged(finding: Finding, users: &[&UserUsage]) -> Finding {
    let sum = Amount::total(users.iter().map(|user| user.amount.get())).unwrap_or_default();
    match finding.code {
        Code::UserWithoutTotal if sum > Amount::ZERO => {
            let code = Code::UsersWouldBill;
            Finding {
                code,
                severity: code.severity(),
                found: format!("{}; users {sum}", finding.found),
                ..finding
            }
        }
        _ => finding,
    }
}

/// Says what is particular about the users of one total.
fn judge(
    plan: &ResourcePlan,
    at: usize,
    placed: &Placed<'_>,
    stored: PeopleStored<'_>,
    findings: &mut Findings,
) {
    let total = &plan.lines[at];
    let name = visible(&plan.name);
    let component = &total.component;
    for (user, person) in placed.iter().filter(|(_, person)| person.is_posted() && person.user.is_none()) {
        let found = format!("{}, {name}", visible(&person.username));
        let expected = "the name of one user of the offering";
        findings.push(about(Finding::new(Code::UnknownUser, found, expected), &[user]));
    }
    let sums = sums(total, placed, stored.sums);
    let after = total.amount_then().unwrap_or_default();
    let sum = sums.last().copied().unwrap_or_default();
    let is_posted = |(_, person): &&(&UserUsage, PersonLine)| person.is_posted();
    let posted: Vec<&UserUsage> = placed.iter().filter(is_posted).map(|(user, _)| *user).collect();
    // On the way, too: users are sent one after the other where the server takes no list of them.
    let would_bill = sum > Amount::ZERO || !total.is_emptied() && sums.iter().any(|sum| *sum > Amount::ZERO);
    let users: Vec<&UserUsage> = placed.iter().map(|(user, _)| *user).collect();
    if after.is_zero() && would_bill && !posted.is_empty() {
        let found = format!("{name}, {component}: a total of {after}, and users with {sum}");
        let finding = Finding::new(Code::UsersWouldBill, found, "a total that is not 0 before its users")
            .hint("report the total of the resource in a row of its own");
        findings.push(about(finding, &posted));
    } else if after != sum && !placed.iter().any(|(_, person)| person.is_correction()) {
        let found = format!("{name}, {component}: users {sum}, total {after}");
        findings
            .push(about(Finding::new(Code::UsersDiffer, found, "users that add up to their total"), &users));
    }
}

/// The sum of the users of a total as it is stored, and after each request of one user.
fn sums(total: &Line, placed: &Placed<'_>, stored: &HashMap<UsageId, Amount>) -> Vec<Amount> {
    let mut sum = total.row.and_then(|row| stored.get(&row).copied()).unwrap_or_default();
    let mut sums = Vec::new();
    for (_, person) in placed.iter().filter(|(_, person)| person.is_posted()) {
        let rest = sum.checked_sub(person.old.unwrap_or_default()).unwrap_or(sum);
        sum = rest.checked_add(person.new.get()).unwrap_or(rest);
        sums.push(sum);
    }
    if sums.is_empty() {
        sums.push(sum);
    }
    sums
}

fn about(finding: Finding, users: &[&UserUsage]) -> Finding {
    let Some((first, others)) = users.split_first() else { return finding };
    let finding = finding.at(first.place.clone()).row(first.row);
    others.iter().fold(finding, |finding, other| finding.also(other.place.clone(), other.row))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::people::tests::{line, person};
    use super::*;
    use crate::domain::{CarryOver, Place};
    use crate::findings::RowIndex;

    fn user(username: &str, amount: &str) -> UserUsage {
        UserUsage {
            resource: ResourceId::new(Uuid::from_u128(9)),
            component: "cpu".parse().unwrap(),
            period: "2026-11".parse().unwrap(),
            plan_period: None,
            username: username.into(),
            amount: Amount::parse(amount).unwrap().try_into().unwrap(),
            unrounded: None,
            place: Place::file("a.csv"),
            row: RowIndex(0),
        }
    }

    #[test]
    fn sums_are_told_after_each_user_that_is_sent() {
        let total = line("cpu", Some("0"), None);
        let row = total.row.unwrap();
        let stored = HashMap::from([(row, Amount::from(12))]);
        let users = [user("anna", "0"), user("bert", "3"), user("carl", "1")];
        let people = [("anna", Some("4"), "0"), ("bert", Some("3"), "3"), ("carl", None, "1")];
        let placed: Placed<'_> = users
            .iter()
            .zip(people)
            .map(|(user, (name, old, new))| (user, person("cpu", name, old, new)))
            .collect();
        // Anna is sent, Bert is there already, Carl is new; somebody else has the other 5.
        assert_eq!(sums(&total, &placed, &stored), [Amount::from(8), Amount::from(9)]);
        let same: Placed<'_> = vec![(&users[1], person("cpu", "bert", Some("3"), "3"))];
        assert_eq!(sums(&total, &same, &stored), [Amount::from(12)]);
        assert_eq!(sums(&line("cpu", None, Some("9")), &placed[2..].to_vec(), &stored), [Amount::from(1)]);
    }

    #[test]
    fn a_user_is_settled_where_the_one_total_has_it_already() {
        let total = |id: u128| StoredUsage {
            id: UsageId::new(Uuid::from_u128(id)),
            resource: ResourceId::new(Uuid::from_u128(9)),
            component: "cpu".parse().unwrap(),
            period: "2026-11".parse().unwrap(),
            amount: Amount::from(10),
            description: String::new(),
            carry_over: CarryOver::None,
            modified_by: None,
        };
        let wanted = [user("anna", "4")];
        let people = StoredPeople::from([((total(1).id, "anna"), Amount::from(4))]);
        let unsettled = |stored: &[StoredUsage], people: &StoredPeople<'_>| {
            !unsettled_people(&wanted, stored, people).is_empty()
        };
        assert!(!unsettled(&[total(1)], &people));
        assert!(unsettled(&[total(2)], &people));
        assert!(unsettled(&[total(1), total(2)], &people));
        assert!(unsettled(&[], &people));
        assert!(unsettled(&[total(1)], &StoredPeople::from([((total(1).id, "anna"), Amount::from(5))])));
    }
}
