//! Rows that are totals of others.
//!
//! The law kept here: what is a total is never usage, so that no amount counts twice; and it is never left
//! out without a word. A row is a total where it is headed as one, is computed from other rows, or has nothing
//! but the sum of the rows above; one that does not add up is faulty. A row that names resource, component
//! and month is a total only where its very name says so.

use std::collections::{HashMap, HashSet};

use crate::domain::{Amount, BillingPeriod, visible};
use crate::findings::{Code, Finding, RowIndex, Sums};
use crate::parse::total_words::names_word;
use crate::parse::{CellKind, ParsedTable, cells};

use super::amounts::Found;

/// What is said of a total that nobody can check.
pub const UNCHECKED: &str = "so that it cannot be checked";

/// What is said of rows that come to a sum with what is added to them.
const WITH_ADDITIONS: &str = "with their tax and discounts";

/// Sums of the rows up to a place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Of all rows.
    all: Amount,
    /// Of those that are seen.
    visible: Amount,
    /// Of those that are not of single users.
    whole: Amount,
    rows: usize,
}

impl Tally {
    fn add(&mut self, amount: Amount, is_visible: bool, is_whole: bool) {
        let more = |sum: Amount| sum.checked_add(amount).unwrap_or(sum);
        self.all = more(self.all);
        if is_visible {
            self.visible = more(self.visible);
        }
        if is_whole {
            self.whole = more(self.whole);
        }
        self.rows += 1;
    }

    /// The two together.
    fn and(self, other: Self) -> Self {
        let more = |sum: Amount, other: Amount| sum.checked_add(other).unwrap_or(sum);
        Self {
            all: more(self.all, other.all),
            visible: more(self.visible, other.visible),
            whole: more(self.whole, other.whole),
            rows: self.rows,
        }
    }

    /// What came since another tally of the same.
    fn since(self, before: Self) -> Self {
        let less = |sum: Amount, before: Amount| sum.checked_sub(before).unwrap_or(sum);
        Self {
            all: less(self.all, before.all),
            visible: less(self.visible, before.visible),
            whole: less(self.whole, before.whole),
            rows: self.rows - before.rows,
        }
    }
}

/// The sums of one component.
#[derive(Debug, Default)]
struct OfComponent {
    running: Tally,
    /// The same when the last total of the component came.
    at_last_total: Tally,
    of_months: HashMap<BillingPeriod, Tally>,
}

/// What makes a row look like a total.
#[derive(Debug, Clone)]
pub struct Looks {
    /// The words that head it, or what stands for them.
    pub words: String,
    /// Whether it may be usage all the same, if it does not add up.
    pub only_if_it_adds_up: bool,
    /// The component that it names.
    pub component: Option<String>,
    /// The month that it names.
    pub period: Option<BillingPeriod>,
}

/// The totals of a table, and what their rows add up to.
#[derive(Debug, Default)]
pub struct Totals {
    running: Vec<Tally>,
    /// The same since the last total.
    since: Vec<Tally>,
    touched: Vec<usize>,
    components: HashMap<String, OfComponent>,
    /// The sums of each column by month.
    months: Vec<HashMap<BillingPeriod, Tally>>,
    /// For each column what came before each total.
    starts: Vec<HashSet<Amount>>,
    /// Tax and discounts on the rows of each column, which some totals include.
    additions: Vec<Tally>,
    /// The same since the last total that included them.
    additions_since: Vec<Tally>,
    /// What stands in a column of tax beside, in all and since its last total.
    beside: Option<(Tally, Tally)>,
    list: Vec<Total>,
}

#[derive(Debug)]
struct Total {
    row: RowIndex,
    number: u32,
    looks: Looks,
    parts: Vec<Part>,
    /// Sums of its component so far.
    component_before: Tally,
}

/// A figure of a total.
#[derive(Debug, Clone)]
struct Part {
    slot: usize,
    column: usize,
    component: String,
    shown: String,
    amount: Option<Amount>,
    /// Whether the cell holds no value that anybody has computed.
    is_unknown: bool,
    /// Sums of its column so far.
    before: Tally,
    /// The rows that add up to it.
    agrees: Option<String>,
    /// Whether tax and discounts are in it.
    takes_additions: bool,
    /// The sum that comes nearest, with its rows.
    nearest: Option<(Amount, String)>,
}

impl Totals {
    /// Starts before the first row of a table with so many columns of amounts.
    pub fn new(columns: usize) -> Self {
        Self {
            running: vec![Tally::default(); columns],
            since: vec![Tally::default(); columns],
            months: vec![HashMap::new(); columns],
            starts: vec![HashSet::from([Amount::ZERO]); columns],
            additions: vec![Tally::default(); columns],
            additions_since: vec![Tally::default(); columns],
            ..Self::default()
        }
    }

    /// Takes in a row of usage, with its month where it names one.
    pub fn add<'a>(
        &mut self,
        amounts: impl Iterator<Item = Found<'a>>,
        period: Option<BillingPeriod>,
        (is_visible, is_whole): (bool, bool),
    ) {
        for found in amounts {
            let Some(amount) = found.amount else { continue };
            self.running[found.slot].add(amount, is_visible, is_whole);
            if self.since[found.slot].rows == 0 {
                self.touched.push(found.slot);
            }
            self.since[found.slot].add(amount, is_visible, is_whole);
            if !self.components.contains_key(found.component) {
                self.components.insert(found.component.to_owned(), OfComponent::default());
            }
            let Some(component) = self.components.get_mut(found.component) else { continue };
            component.running.add(amount, is_visible, is_whole);
            if let Some(period) = period {
                component.of_months.entry(period).or_default().add(amount, is_visible, is_whole);
                self.months[found.slot].entry(period).or_default().add(amount, is_visible, is_whole);
            }
        }
    }

    /// Takes in a row of tax or a discount, which is no usage and in the totals below it.
    pub fn add_addition(&mut self, found: Found<'_>) {
        if let Some(amount) = found.amount {
            self.additions[found.slot].add(amount, true, true);
            self.additions_since[found.slot].add(amount, true, true);
        }
    }

    /// The sums of the first column, in all and since its last total.
    pub fn sums(&self) -> Option<(Tally, Tally)> {
        self.running.first().copied().zip(self.since.first().copied())
    }

    /// Says what stands in a column of tax beside, which a total may include.
    pub fn stands_beside(&mut self, tax: Option<(Tally, Tally)>) {
        self.beside = tax;
    }

    /// The row of the first total.
    pub fn first(&self) -> Option<(RowIndex, u32)> {
        self.list.first().map(|total| (total.row, total.number))
    }

    /// Forgets the totals without a figure of which something else is told.
    pub fn forget_bare(&mut self, is_told: impl Fn(RowIndex) -> bool) {
        self.list.retain(|total| !total.parts.is_empty() || !is_told(total.row));
    }

    /// The component that a total is of: the one of its row, or the one that its words name, as those of
    /// `Total cpu` do.
    fn component(&self, looks: &Looks) -> Option<(&str, &OfComponent)> {
        let own = looks.component.as_deref();
        if let Some((name, sums)) = own.and_then(|own| self.components.get_key_value(own)) {
            return Some((name, sums));
        }
        let text = own.unwrap_or(&looks.words);
        let named = self.components.iter().filter(|(name, _)| names_word(text, name));
        let longest = named.clone().map(|(name, _)| name.len()).max()?;
        let mut named = named.filter(|(name, _)| name.len() == longest);
        let (name, sums) = named.next()?;
        named.next().is_none().then_some((name, sums))
    }

    /// Takes a row that looks like a total; whether it is one.
    pub fn take<'a>(
        &mut self,
        row: RowIndex,
        number: u32,
        looks: Looks,
        amounts: impl Iterator<Item = Found<'a>>,
    ) -> bool {
        let component = self.component(&looks);
        let name = component.map(|(name, _)| name.to_owned());
        let of_component = component.map(|(_, own)| (own.running, own.running.since(own.at_last_total)));
        let mut parts: Vec<Part> = amounts.map(|found| self.part(found)).collect();
        for part in &mut parts {
            self.look_above(part);
            if let (Some((all, since)), Some(name)) = (of_component, &name)
                && self.is_of(part, name)
            {
                part.consider(since, || format!("{} of {} above", rows(since.rows), visible(name)));
                part.consider(all, || format!("all {} of {} above", rows(all.rows), visible(name)));
            }
            self.look_at_month(part, &looks);
        }
        let adds_up = !parts.is_empty() && parts.iter().all(|part| part.agrees.is_some());
        let is_of_several = |part: &Part| self.running[part.slot].rows > 1;
        if looks.only_if_it_adds_up && !(adds_up && parts.iter().all(is_of_several)) {
            return false;
        }
        self.close();
        for part in &parts {
            self.starts[part.slot].insert(part.before.all);
            if part.takes_additions {
                self.additions_since[part.slot] = Tally::default();
            }
        }
        if let Some(own) = name.and_then(|name| self.components.get_mut(&name)) {
            own.at_last_total = own.running;
        }
        let component_before = of_component.map(|(all, _)| all).unwrap_or_default();
        self.list.push(Total { row, number, looks, parts, component_before });
        true
    }

    /// Takes a row in that is told as a total is, and of which nothing can be checked.
    pub fn tell(&mut self, row: RowIndex, number: u32, words: String) {
        let looks = Looks { words, only_if_it_adds_up: false, component: None, period: None };
        let (parts, component_before) = (Vec::new(), Tally::default());
        self.list.push(Total { row, number, looks, parts, component_before });
    }

    fn part(&self, found: Found<'_>) -> Part {
        Part {
            slot: found.slot,
            column: found.column,
            component: found.component.to_owned(),
            shown: cells::shown(found.cell),
            amount: found.amount,
            is_unknown: found.cell.kind == CellKind::Error && found.amount.is_none(),
            before: self.running[found.slot],
            agrees: None,
            takes_additions: false,
            nearest: None,
        }
    }

    fn look_above(&self, part: &mut Part) {
        let (since, all) = (self.since[part.slot], self.running[part.slot]);
        let is_first = self.list.is_empty();
        part.consider(all, || format!("{}{} above", if is_first { "the " } else { "all " }, rows(all.rows)));
        part.consider(since, || format!("the {} above", rows(since.rows)));
        if let Some((of_all, of_since)) = self.beside.filter(|(of_all, _)| of_all.rows > 0) {
            part.consider(all.and(of_all), || format!("all {} above with their tax", rows(all.rows)));
            part.consider(since.and(of_since), || format!("the {} above with their tax", rows(since.rows)));
        }
        let (additions, own) = (self.additions[part.slot], self.additions_since[part.slot]);
        if additions.rows > 0 && part.agrees.is_none() {
            part.consider(all.and(additions), || format!("all {} above {WITH_ADDITIONS}", rows(all.rows)));
            let net = part.amount.and_then(|amount| amount.checked_sub(own.all));
            let start = net.and_then(|net| all.all.checked_sub(net));
            if part.agrees.is_none() && start.is_some_and(|start| self.starts[part.slot].contains(&start)) {
                part.agrees = Some(format!("rows above, from an earlier total on, {WITH_ADDITIONS}"));
            }
            part.takes_additions = part.agrees.is_some();
        }
        // A total of totals begins where an earlier one did.
        let start = part.amount.and_then(|amount| all.all.checked_sub(amount));
        if part.agrees.is_none() && start.is_some_and(|start| self.starts[part.slot].contains(&start)) {
            part.agrees = Some("rows above, from an earlier total on".into());
        }
    }

    /// Whether a figure may be of a component: one in the column of another one is not.
    fn is_of(&self, part: &Part, name: &str) -> bool {
        part.component == name || !self.components.contains_key(&part.component)
    }

    /// Sets a figure against the rows of the month that its total names, as far as they were read.
    fn look_at_month(&self, part: &mut Part, looks: &Looks) {
        let Some(period) = looks.period else { return };
        if let Some((name, own)) = self.component(looks).filter(|(name, _)| self.is_of(part, name))
            && let Some(sum) = own.of_months.get(&period)
        {
            part.consider(*sum, || format!("{} of {} in {period}", rows(sum.rows), visible(name)));
        }
        if let Some(sum) = self.months[part.slot].get(&period) {
            part.consider(*sum, || format!("{} of {period}", rows(sum.rows)));
        }
    }

    /// Ends the rows below the last total.
    fn close(&mut self) {
        if let Some(total) = self.list.last_mut() {
            for part in &mut total.parts {
                let below = self.since[part.slot];
                part.consider(below, || format!("the {} below", rows(below.rows)));
            }
        }
        for slot in self.touched.drain(..) {
            self.since[slot] = Tally::default();
        }
    }

    /// What is said of the totals, and which of them do not add up.
    pub fn findings(mut self, table: &ParsedTable) -> Vec<(Finding, Option<RowIndex>)> {
        self.close();
        let mut findings = Vec::new();
        for mut total in std::mem::take(&mut self.list) {
            let component = self.component(&total.looks);
            for part in &mut total.parts {
                let below = self.running[part.slot].since(part.before);
                part.consider(below, || format!("all {} below", rows(below.rows)));
                if let Some((name, own)) = component.filter(|(name, _)| self.is_of(part, name)) {
                    let below = own.running.since(total.component_before);
                    part.consider(below, || format!("{} of {} below", rows(below.rows), visible(name)));
                }
                self.look_at_month(part, &total.looks);
            }
            let finding = total.finding(table);
            let faulty = (finding.code == Code::TotalDisagrees).then_some(total.row);
            findings.push((finding, faulty));
        }
        findings
    }
}

impl Part {
    /// Sets the figure against a sum of rows, if there are any.
    fn consider(&mut self, sum: Tally, rows: impl Fn() -> String) {
        let Some(amount) = self.amount.filter(|_| sum.rows > 0 && self.agrees.is_none()) else { return };
        for (sum, of) in
            [(sum.all, ""), (sum.visible, " that can be seen"), (sum.whole, " without those of users")]
        {
            let Some(off) = sum.checked_sub(amount).map(magnitude) else { continue };
            if is_less_than_half_a_cent(off) {
                self.agrees = Some(rows() + of);
                return;
            }
            let nearest = self.nearest.as_ref().and_then(|(sum, _)| sum.checked_sub(amount)).map(magnitude);
            if nearest.is_none_or(|nearest| off < nearest) {
                self.nearest = Some((sum, rows() + of));
            }
        }
    }

    /// Whether it speaks against its row being a total.
    fn is_off(&self) -> bool {
        self.agrees.is_none() && !self.is_unknown
    }
}

impl Total {
    fn finding(&self, table: &ParsedTable) -> Finding {
        let is_wide = self.parts.len() > 1;
        let figure = |part: &Part| {
            if is_wide { format!("{} {}", visible(&part.component), part.shown) } else { part.shown.clone() }
        };
        let words = &self.looks.words;
        let off = self.parts.iter().find(|part| part.is_off());
        let column = off.or(self.parts.first()).map(|part| part.column);
        let mut sums = Sums::default();
        for part in &self.parts {
            if let Some(amount) = part.amount {
                sums.add(&part.component, None, amount);
            }
        }
        let finding = match off {
            Some(part) => off_by(words, &figure(part), part),
            None => self.adding_up(words, &self.parts.iter().map(figure).collect::<Vec<_>>().join(", ")),
        };
        finding.at(table.place(self.number, column)).row(self.row).sums(sums)
    }

    /// A total that is right, or that nobody can check.
    fn adding_up(&self, words: &str, figures: &str) -> Finding {
        let told = match self.parts.iter().find_map(|part| part.agrees.as_deref()) {
            Some(of) => format!("{words}: {figures}, the sum of {of}"),
            None if figures.is_empty() => format!("{words}, without a figure"),
            None => format!("{words}: {figures}, {UNCHECKED}"),
        };
        Finding::new(Code::TotalRow, told, "rows of usage; a total is not used")
    }
}

/// A total that is not the sum of any rows.
fn off_by(words: &str, figure: &str, part: &Part) -> Finding {
    let told = match (part.amount, &part.nearest) {
        (Some(amount), Some((sum, rows))) => {
            let off = sum.checked_sub(amount).map(magnitude).unwrap_or_default();
            let side = if amount > *sum { "more" } else { "less" };
            format!("{words}: {figure}, {off} {side} than {sum}, the sum of {rows}")
        }
        (Some(_), None) => format!("{words}: {figure}, and no row that it could be of"),
        (None, _) => format!("{words}: {figure}, which is no number"),
    };
    Finding::new(Code::TotalDisagrees, told, "the sum of the rows that it stands for").hint(
        "find out which is right, the rows or the total, and mend it; a total that is not needed can be taken \
         out of the file; a resource that is called so is named by its uuid",
    )
}

fn rows(rows: usize) -> String {
    format!("{rows} row{}", if rows == 1 { "" } else { "s" })
}

fn magnitude(amount: Amount) -> Amount {
    if amount.is_negative() { Amount::ZERO.checked_sub(amount).unwrap_or(amount) } else { amount }
}

/// Spreadsheets add in binary, and what is off by less than this is off by their rounding.
fn is_less_than_half_a_cent(amount: Amount) -> bool {
    amount.checked_add(amount).is_some_and(|twice| Amount::parse("0.01").is_ok_and(|cent| twice < cent))
}
