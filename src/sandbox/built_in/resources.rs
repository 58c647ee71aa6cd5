//! The forty resources: what is ordinary about most of them, and what is odd about a few.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{id, moment};
use crate::domain::ResourceState;
use crate::sandbox::world::{PlanPeriod, Resource};

/// What makes a resource a special case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oddity {
    Ordinary,
    Creating,
    Erred,
    Updating,
    Terminating,
    Terminated,
    /// Its plan was switched this month: two plan periods, two rows per component.
    Switched,
    NoPlan,
    /// A report of it is stored and never billed.
    NoPlanPeriod,
}

use Oddity::{Creating, Erred, NoPlan, NoPlanPeriod, Ordinary, Switched, Terminated, Terminating, Updating};

/// Project, name and oddity of the allocations on the cluster.
const HPC: [(&str, &str, Oddity); 28] = [
    ("climate", "climate-cordex", Ordinary),
    ("climate", "climate-era5", Ordinary),
    ("climate", "climate-alps", Ordinary),
    ("climate", "climate-ensemble", Ordinary),
    ("climate", "climate-cmip7", Creating),
    ("flame", "flame-les", Switched),
    ("flame", "flame-dns", Ordinary),
    ("flame", "flame-spray", Terminated),
    ("qmat", "qmat-dft", Ordinary),
    ("qmat", "qmat-gw", Ordinary),
    ("qmat", "qmat-topo", Erred),
    ("plankton", "plankton-assembly", Ordinary),
    ("plankton", "plankton-metabarcoding", Ordinary),
    ("plankton", "plankton-annotation", Ordinary),
    ("plankton", "sequencing", Ordinary),
    ("acoustics", "acoustics-array", Ordinary),
    ("acoustics", "acoustics-model", Terminating),
    ("tumour", "tumour-ct", Ordinary),
    ("tumour", "tumour-mri", Updating),
    ("tumour", "tumour-pathology", Ordinary),
    ("tumour", "tumour-learning", Ordinary),
    ("cohort", "cohort-wgs", Ordinary),
    ("cohort", "cohort-rna", Ordinary),
    ("cohort", "cohort-imputation", Ordinary),
    ("cohort", "sequencing", Ordinary),
    ("operations", "benchmarks", Ordinary),
    ("operations", "monitoring", NoPlan),
    ("operations", "training-course", NoPlanPeriod),
];

/// Project, name and oddity of the storages.
const STORAGE: [(&str, &str, Oddity); 12] = [
    ("climate", "climate-data", Ordinary),
    ("climate", "climate-archive", Ordinary),
    ("flame", "flame-data", Ordinary),
    ("qmat", "qmat-data", Ordinary),
    ("plankton", "plankton-data", Ordinary),
    ("acoustics", "acoustics-data", Terminated),
    ("tumour", "tumour-data", Ordinary),
    ("tumour", "tumour-archive", Ordinary),
    ("cohort", "cohort-data", Ordinary),
    ("cohort", "cohort-vault", Creating),
    ("operations", "centre-backup", Ordinary),
    ("operations", "centre-images", Ordinary),
];

/// When all of it began.
const START: &str = "2026-07-01T00:00:00Z";
/// When the one plan was switched.
const SWITCH: &str = "2026-11-09T13:30:00Z";
/// When what is terminated ended.
const END: &str = "2026-11-05T08:15:00Z";

pub(super) fn resources() -> Vec<Resource> {
    let hpc = HPC.iter().map(|row| ("hpc", row));
    let storage = STORAGE.iter().map(|row| ("storage", row));
    let mut created = moment(START);
    let resources = hpc.chain(storage).map(|(offering, &(project, name, oddity))| {
        created = created.checked_add(SignedDuration::from_mins(97)).unwrap_or(created);
        resource(offering, project, name, oddity, created)
    });
    resources.collect()
}

fn resource(offering: &str, project: &str, name: &str, oddity: Oddity, created: Timestamp) -> Resource {
    let key = format!("{offering}/{project}/{name}");
    let created = if oddity == Creating { moment("2026-11-19T15:40:00Z") } else { created };
    let plan = if oddity == Switched { "priority" } else { "standard" };
    Resource {
        uuid: id("resource", &key),
        name: name.into(),
        slug: format!("{project}-{name}"),
        backend_id: format!("{offering}_{project}_{}", name.replace('-', "_")),
        effective_id: String::new(),
        state: state(oddity),
        offering_uuid: id("offering", offering),
        plan_uuid: (oddity != NoPlan).then(|| id("plan", &format!("{offering}-{plan}"))),
        project_uuid: id("project", project),
        limits: limits(offering),
        current_usages: Map::new(),
        created,
        plan_periods: plan_periods(&key, offering, oddity),
    }
}

fn state(oddity: Oddity) -> ResourceState {
    match oddity {
        Creating => ResourceState::Creating,
        Erred => ResourceState::Erred,
        Updating => ResourceState::Updating,
        Terminating => ResourceState::Terminating,
        Terminated => ResourceState::Terminated,
        Ordinary | Switched | NoPlan | NoPlanPeriod => ResourceState::Ok,
    }
}

fn limits(offering: &str) -> Map<String, Value> {
    let storage = (offering == "hpc").then(|| ("storage".to_owned(), json!(2_000)));
    storage.into_iter().collect()
}

fn plan_periods(key: &str, offering: &str, oddity: Oddity) -> Vec<PlanPeriod> {
    let period = |number: u32, plan: &str, start: &str, end: Option<&str>| PlanPeriod {
        uuid: id("plan period", &format!("{key}/{number}")),
        plan_uuid: id("plan", &format!("{offering}-{plan}")),
        start: Some(moment(start)),
        end: end.map(moment),
    };
    match oddity {
        Creating | NoPlan | NoPlanPeriod => Vec::new(),
        Switched => {
            vec![period(1, "standard", START, Some(SWITCH)), period(2, "priority", SWITCH, None)]
        }
        Terminated => vec![period(1, "standard", START, Some(END))],
        Ordinary | Erred | Updating | Terminating => vec![period(1, "standard", START, None)],
    }
}
