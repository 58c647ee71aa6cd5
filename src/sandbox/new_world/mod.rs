//! Large worlds for load tests: numbers in, a world out.
//!
//! Everything follows from the numbers, so that the same ones give the same bytes on every machine.
//! Resources and usages are made while they are written: a million usages need no memory here.

mod catalogue;
mod chance;
mod people;
mod resources;
mod usages;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::world::{Customer, Invoice, Offering, OfferingUser, Project, User};
use super::{SandboxError, world_file};
use crate::domain::BillingPeriod;

const NAMESPACE: Uuid = Uuid::from_u128(0x51d4_90fa_2b7c_4c35_a6e8_0c4d_7f13_9be2);
/// The moment of a world where no other is given; that of the built-in one.
const NOW: &str = "2026-11-20T09:00:00Z";
const MOST_RESOURCES: u32 = 1_000_000;
const MOST_COMPONENTS: u32 = 100;
const MOST_MONTHS: u32 = 120;

/// How large a world is to be.
///
/// ```
/// # use waldur_usage::sandbox::NewWorld;
/// let world = NewWorld::new(20_000, 5, 10, None).unwrap();
/// assert_eq!(world.usage_count(), 1_000_000);
/// assert!(NewWorld::new(0, 5, 10, None).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct NewWorld {
    resources: u32,
    components: u32,
    /// The months with usages, oldest first; the last one is the month before `now`.
    months: Vec<BillingPeriod>,
    /// The month that is still running.
    running: BillingPeriod,
    now: Timestamp,
}

/// The world as it is written; resources and usages are made on the way.
#[derive(Serialize)]
struct Written<R: Serialize, U: Serialize> {
    now: Timestamp,
    tokens: BTreeMap<String, String>,
    customers: Vec<Customer>,
    projects: Vec<Project>,
    users: Vec<User>,
    offerings: Vec<Offering>,
    offering_users: Vec<OfferingUser>,
    resources: R,
    usages: U,
    invoices: Vec<Invoice>,
}

/// A list that is made while it is written.
struct Streamed<F>(F);

impl<F, I> Serialize for Streamed<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl NewWorld {
    /// A world with so many resources, components of each offering, and months of usages that end
    /// with the month before `now`; every resource has a usage of every component in every month.
    pub fn new(
        resources: u32,
        components: u32,
        months: u32,
        now: Option<Timestamp>,
    ) -> Result<Self, SandboxError> {
        let bounds = [
            ("resources", resources, MOST_RESOURCES),
            ("components", components, MOST_COMPONENTS),
            ("months", months, MOST_MONTHS),
        ];
        if let Some((what, _, most)) =
            bounds.into_iter().find(|(_, count, most)| !(1..=*most).contains(count))
        {
            return Err(SandboxError::Size { what, most });
        }
        let now = now.unwrap_or_else(|| NOW.parse().unwrap_or(Timestamp::UNIX_EPOCH));
        let no_month = || SandboxError::Size { what: "months before its time", most: MOST_MONTHS };
        let running = BillingPeriod::of(now).map_err(|_| no_month())?;
        let mut before = std::iter::successors(running.previous(), |month| month.previous());
        let mut months: Vec<BillingPeriod> = (0..months).map_while(|_| before.next()).collect();
        months.reverse();
        if months.is_empty() {
            Err(no_month())
        } else {
            Ok(Self { resources, components, months, running, now })
        }
    }

    /// How many usages the world holds.
    pub fn usage_count(&self) -> u64 {
        let months = u64::try_from(self.months.len()).unwrap_or(u64::MAX);
        u64::from(self.resources) * u64::from(self.components) * months
    }

    /// Writes the world as a file, readable by its owner alone.
    pub fn write(&self, path: &Path, replace: bool) -> Result<(), SandboxError> {
        world_file::write(path, replace, &self.written())
    }

    fn written(&self) -> Written<impl Serialize, impl Serialize> {
        let users = self.users();
        Written {
            now: self.now,
            tokens: users.iter().map(|user| (user.username.clone(), user.token.clone())).collect(),
            customers: self.customers(),
            projects: self.projects(),
            users,
            offerings: self.offerings(),
            offering_users: Vec::new(),
            resources: Streamed(|| (0..self.resources).map(|number| self.resource(number))),
            usages: Streamed(|| (0..self.resources).flat_map(|number| self.usages(number))),
            invoices: self.invoices(),
        }
    }
}

/// The id of a thing of the world.
fn id(kind: &str, name: impl std::fmt::Display) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}:{name}").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::BillingType;
    use crate::sandbox::World;
    use crate::sandbox::data::{Data, InvoiceState};

    fn made(resources: u32, components: u32, months: u32) -> (String, World) {
        let text =
            serde_json::to_string(&NewWorld::new(resources, components, months, None).unwrap().written());
        let text = text.unwrap();
        let world = serde_json::from_str(&text).unwrap();
        (text, world)
    }

    #[test]
    fn the_same_numbers_give_the_same_bytes_and_a_whole_world() {
        let (first, world) = made(300, 7, 3);
        assert_eq!(first, made(300, 7, 3).0);
        assert_eq!((world.resources.len(), world.usages.len()), (300, 300 * 7 * 3));
        let ids: BTreeSet<_> = world.usages.iter().map(|usage| usage.uuid).collect();
        assert_eq!(ids.len(), world.usages.len());
        let months: BTreeSet<String> =
            world.usages.iter().map(|usage| usage.billing_period.to_string()).collect();
        assert_eq!(months.into_iter().collect::<Vec<_>>(), ["2026-08", "2026-09", "2026-10"]);
        assert!(world.usages.iter().all(|usage| usage.amount.has_cents_only() && usage.date < world.now));
        assert!(world.usages.iter().all(|usage| usage.plan_period_uuid.is_some()));
        let components = &world.offerings[0].components;
        let limits = components.iter().filter(|component| component.billing_type == BillingType::Limit);
        assert_eq!((components.len(), limits.count()), (7, 1));
        let names: BTreeSet<_> = world.resources.iter().map(|resource| &resource.backend_id).collect();
        assert_eq!(names.len(), 300);
        Data::new(world).unwrap();
    }

    #[test]
    fn everybody_who_has_a_resource_has_an_open_invoice() {
        let (_, world) = made(900, 2, 2);
        let customers: BTreeMap<Uuid, Uuid> =
            world.projects.iter().map(|project| (project.uuid, project.customer_uuid)).collect();
        let billed: BTreeSet<Uuid> =
            world.resources.iter().map(|resource| customers[&resource.project_uuid]).collect();
        let invoiced: Vec<Uuid> = world.invoices.iter().map(|invoice| invoice.customer_uuid).collect();
        assert!(billed.len() > 5 && invoiced == billed.into_iter().collect::<Vec<_>>());
        let is_open = |invoice: &Invoice| {
            invoice.state == InvoiceState::Pending && invoice.billing_period.to_string() == "2026-11"
        };
        assert!(world.invoices.iter().all(is_open));
    }

    #[test]
    fn some_dates_tie_and_most_do_not() {
        let (_, world) = made(400, 2, 2);
        let dates: BTreeSet<_> = world.usages.iter().map(|usage| usage.date).collect();
        let usages = world.usages.len();
        assert!(dates.len() > usages / 2 && dates.len() < usages * 9 / 10, "{} of {usages}", dates.len());
        let states: BTreeSet<String> =
            world.resources.iter().map(|resource| resource.state.to_string()).collect();
        assert_eq!(
            states.into_iter().collect::<Vec<_>>(),
            ["Erred", "OK", "Terminated", "Terminating", "Updating"]
        );
    }

    #[test]
    fn the_smallest_world_is_whole_too_and_the_largest_has_a_bound() {
        let (_, world) = made(1, 1, 1);
        assert_eq!(world.usages.len(), 1);
        Data::new(world).unwrap();
        for (resources, components, months) in [(0, 1, 1), (1, 101, 1), (1, 1, 0), (1_000_001, 1, 1)] {
            assert!(NewWorld::new(resources, components, months, None).is_err());
        }
        let early = "1970-01-20T00:00:00Z".parse().unwrap();
        assert!(NewWorld::new(1, 1, 1, Some(early)).is_err());
    }
}
