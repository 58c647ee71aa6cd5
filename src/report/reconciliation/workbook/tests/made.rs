//! Reports of any size, with all totals made from their lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Amount, Currency, CustomerId, InvoiceLineId, ResourceId, UsageId};
use crate::reconcile::{
    Billed, CellPlace, Class, ClassTotal, Line, Measured, More, OrganisationTotal, Proof, ProofRow, Report,
    Sides, Stated, Subject, Trend, sample,
};

/// Draws numbers that hang on a seed alone.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn amount(&mut self, largest: u64, decimals: usize) -> Amount {
        let steps = self.below(largest * 10_u64.pow(u32::try_from(decimals).unwrap())).to_string();
        let steps = format!("{steps:0>width$}", width = decimals + 1);
        let (whole, fraction) = steps.split_at(steps.len() - decimals);
        format!("{whole}.{fraction}").parse().unwrap()
    }
}

fn uuid(number: usize) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x6663_7cd7_602c_5b9b_a4e2_bb7a_5834_0000 + u128::try_from(number).unwrap())
}

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub lines: usize,
    pub organisations: Vec<String>,
    pub components: Vec<(&'static str, &'static str)>,
    pub currencies: Vec<Option<&'static str>>,
    pub decimals: usize,
    pub has_file: bool,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            lines: 400,
            organisations: (1..=5).map(|number| format!("Institute {number}")).collect(),
            components: vec![("cpu", "k-hours"), ("gpu", "k-hours"), ("ram", "GB-hours"), ("storage", "TB")],
            currencies: vec![Some("EUR")],
            decimals: 2,
            has_file: true,
        }
    }
}

/// Makes a report.
pub fn report(recipe: &Recipe) -> Report {
    let mut report = sample::report();
    let mut draw = Draw(7);
    let mut currencies = recipe.currencies.iter().map(|code| code.map(|code| code.parse().unwrap()));
    let currencies: Vec<Option<Currency>> = currencies.by_ref().collect();
    report.header.sides =
        if recipe.has_file { Sides::FileServerAndInvoices } else { Sides::ServerAndInvoices };
    report.components = recipe
        .components
        .iter()
        .map(|(component, unit)| Measured { component: (*component).into(), unit: (*unit).into() })
        .collect();
    let subjects = (recipe.lines / 3).max(1);
    report.subjects = (0..subjects)
        .map(|at| Subject {
            organisation: recipe.organisations[at % recipe.organisations.len()].as_str().into(),
            customer: Some(CustomerId::new(uuid(10 + at % recipe.organisations.len()))),
            project: format!("Project {}", at % 40).into(),
            resource: format!("allocation-{at:05}").into(),
            resource_uuid: Some(ResourceId::new(uuid(10_000 + at))),
            ..report.subjects[0].clone()
        })
        .collect();
    report.lines = (0..recipe.lines).map(|at| line(at, recipe, &currencies, &mut draw)).collect();
    report.lines.sort_by_key(|line| (!line.class.is_break(), line.class));
    totals(&mut report);
    report
}

fn line(at: usize, recipe: &Recipe, currencies: &[Option<Currency>], draw: &mut Draw) -> Line {
    let is_break = draw.below(10) < 3;
    let class = if is_break {
        let breaks: Vec<Class> = Class::ALL.iter().copied().filter(|class| class.is_break()).collect();
        breaks[usize::try_from(draw.below(breaks.len() as u64)).unwrap()]
    } else {
        Class::Match
    };
    let server = draw.amount(100_000, recipe.decimals);
    let (server, file) = match class {
        Class::MissingOnServer => (None, Some(server)),
        Class::MissingInFile => (Some(server), None),
        Class::Match => (Some(server), Some(server)),
        _ => (Some(server), Some(draw.amount(100_000, recipe.decimals))),
    };
    let file = file.filter(|_| recipe.has_file);
    let currency = currencies[at % currencies.len()];
    let worth = draw.amount(2_000, 2);
    let worth = if draw.below(2) == 0 { worth } else { Amount::ZERO.checked_sub(worth).unwrap() };
    let price = draw.amount(5_000, 2);
    let more = More {
        billed: (draw.below(8) > 0).then(|| Billed {
            quantity: server.unwrap_or_default(),
            unit_price: Some("0.0125".parse().unwrap()),
            price,
            tax: at.is_multiple_of(2).then_some(price),
            invoice_number: Some(format!("{}", 100_000 + at % 50).into()),
            lines: vec![InvoiceLineId::new(uuid(900_000 + at))],
        }),
        stated: (recipe.has_file && at.is_multiple_of(3)).then(|| Stated {
            unit_price: Some("0.0125".parse().unwrap()),
            price: Some(price),
            currency,
            invoice_number: Some("R-7".into()),
            ..Stated::default()
        }),
        worth: is_break.then_some((currency, worth)),
        note: is_break.then_some(0),
        ..More::default()
    };
    Line {
        class,
        also: crate::reconcile::Classes::default(),
        period: if at.is_multiple_of(5) { "2026-10" } else { "2026-11" }.parse().unwrap(),
        subject: u32::try_from(at / 3 % (recipe.lines / 3).max(1)).unwrap(),
        component: u32::try_from(at % recipe.components.len()).unwrap(),
        file,
        server,
        cell: file.map(|_| CellPlace { table: 0, row: u32::try_from(at + 2).unwrap(), column: 4 }),
        usage: server.map(|_| UsageId::new(uuid(2_000_000 + at))),
        more: Some(Box::new(more)),
    }
}

type Money = BTreeMap<Option<Currency>, Amount>;
type Sums = (Amount, Amount, BTreeMap<Class, Amount>);

fn add(money: &mut Money, currency: Option<Currency>, amount: Amount) {
    let sum = money.entry(currency).or_default();
    *sum = sum.checked_add(amount).unwrap();
}

/// Makes all totals of a report anew from its lines.
pub fn totals(report: &mut Report) {
    #[derive(Default)]
    struct Own {
        keys: usize,
        breaks: usize,
        worth: Money,
        stated: Money,
        billed: Option<Amount>,
        customer: Option<CustomerId>,
    }
    let mut classes: BTreeMap<Class, (usize, Money)> = BTreeMap::new();
    let mut owns: BTreeMap<Arc<str>, Own> = BTreeMap::new();
    let (mut at_stake, mut without_price) = (Money::new(), 0);
    let mut proof: Vec<Sums> = vec![Sums::default(); report.components.len()];
    for view in report.views() {
        let own = owns.entry(view.subject.organisation.clone()).or_default();
        own.customer = view.subject.customer;
        own.keys += 1;
        own.breaks += usize::from(view.class().is_break());
        let class = classes.entry(view.class()).or_default();
        class.0 += 1;
        match view.worth() {
            Some((currency, worth)) => {
                add(&mut class.1, currency, worth);
                add(&mut own.worth, currency, worth);
                let size = if worth.is_negative() { Amount::ZERO.checked_sub(worth).unwrap() } else { worth };
                add(&mut at_stake, currency, size);
            }
            None => without_price += usize::from(view.class().is_break()),
        }
        if let Some((currency, price)) = view.stated().and_then(|it| Some((it.currency, it.price?))) {
            add(&mut own.stated, currency, price);
        }
        if let Some(billed) = view.billed() {
            own.billed = own.billed.unwrap_or_default().checked_add(billed.price);
        }
        let sums = &mut proof[usize::try_from(view.line.component).unwrap()];
        let has_file = report.header.sides.has_file();
        let file = if has_file { view.line.file } else { view.billed().map(|billed| billed.quantity) };
        sums.0 = sums.0.checked_add(file.unwrap_or_default()).unwrap();
        sums.1 = sums.1.checked_add(view.line.server.unwrap_or_default()).unwrap();
        let difference = sums.2.entry(view.class()).or_default();
        *difference = difference.checked_add(view.difference()).unwrap();
    }
    let listed = |money: Money| money.into_iter().collect::<Vec<_>>();
    let breaks = classes.iter().filter(|(class, _)| class.is_break()).map(|(_, (keys, _))| keys).sum();
    report.verdict.keys = report.lines.len();
    report.verdict.breaks = breaks;
    report.verdict.agrees = breaks == 0;
    report.verdict.at_stake = listed(at_stake);
    report.verdict.without_price = without_price;
    report.verdict.sentence = format!("{breaks} of {} keys differ", report.lines.len());
    report.classes = classes
        .into_iter()
        .map(|(class, (keys, worth))| ClassTotal { class, keys, worth: listed(worth) })
        .collect();
    report.organisations = owns
        .into_iter()
        .map(|(name, own)| OrganisationTotal {
            name,
            customer: own.customer,
            keys: own.keys,
            breaks: own.breaks,
            worth: listed(own.worth),
            stated: listed(own.stated),
            billed: own.billed,
        })
        .collect();
    let proven = report.components.iter().zip(&proof);
    let rows = proven.clone().map(|(measured, (file, server, classes))| ProofRow {
        measured: measured.clone(),
        file: *file,
        server: *server,
        classes: classes.iter().map(|(class, amount)| (*class, *amount)).collect(),
    });
    report.proof = Proof { rows: rows.collect() };
    let has_file = report.header.sides.has_file();
    let trend = proven.map(|(measured, (file, server, _))| Trend {
        measured: measured.clone(),
        last_month: Some("3000000".parse().unwrap()),
        server: *server,
        file: has_file.then_some(*file),
    });
    report.trend = trend.collect();
}
