//! A plan as a page for a browser: summary first, rows after.
//!
//! The page is one file without scripts, and its policy lets it load nothing. Whatever comes from a
//! file or a server is escaped, so that no text becomes markup.

use std::fmt::{self, Write};

use crate::domain::{Amount, visible};
use crate::plan::{Change, Line, Money, Plan, Summary, Totals, Wanted};

use super::people::status;

const STYLE: &str = include_str!("../../templates/report.css");

/// The page of a plan.
pub fn plan_page(plan: &Plan) -> String {
    let summary = Summary::of(plan);
    let title = format!("Plan for {} on {}", plan.header.period, plan.header.server);
    let mut page = Page(String::new());
    page.open(&title);
    page.facts(plan, &summary);
    page.totals("By component", &summary.components);
    page.totals("By organisation", &summary.customers);
    page.totals("By project", &summary.projects);
    page.changes("Changes", plan, Line::posted);
    page.changes("Not posted: to be settled on the invoice", plan, Line::correction);
    page.people("Users, each a part of a total", plan);
    page.others("Only on the server, and left as it is", plan, |change| {
        matches!(change, Change::OnlyOnServer { .. })
    });
    page.others("Stored as the file wants it", plan, |change| matches!(change, Change::Same { .. }));
    page.0.push_str("</body>\n</html>\n");
    page.0
}

/// A text that is safe between tags and in attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        visible(self.0).to_string().chars().try_for_each(|character| match character {
            '&' => formatter.write_str("&amp;"),
            '<' => formatter.write_str("&lt;"),
            '>' => formatter.write_str("&gt;"),
            '"' => formatter.write_str("&quot;"),
            '\'' => formatter.write_str("&#39;"),
            character => formatter.write_char(character),
        })
    }
}

/// One cell of a table.
enum Cell<'a> {
    Text(&'a str),
    Count(usize),
    Amount(Amount),
    /// An amount whose sign is what matters.
    Change(Amount),
    Nothing,
}

struct Page(String);

impl Page {
    fn open(&mut self, title: &str) {
        let title = Escaped(title);
        // Writing to a string cannot fail; the same goes for all below.
        let _ = write!(
            self.0,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        );
    }

    fn facts(&mut self, plan: &Plan, summary: &Summary) {
        let (header, lines, rows) = (&plan.header, &summary.lines, &plan.header.rows);
        let _ = writeln!(
            self.0,
            "<p>{} to create, {} to update, {} the same, {} only on the server; {} requests.</p>",
            lines.create, lines.update, lines.same, lines.only_on_server, summary.resources_to_post
        );
        let _ = writeln!(self.0, "<p>{}</p>\n<dl>", Escaped(&sentence(&summary.money)));
        let inputs: Vec<String> = header.inputs.iter().map(|input| input.name.clone()).collect();
        let sandbox =
            header.sandbox.as_ref().map(|world| format!("yes, world {world}; nothing in it is real"));
        let read = format!(
            "{}: {} used, {} faulty, {} blank, {} filtered",
            rows.rows_read, rows.rows_used, rows.rows_faulty, rows.rows_blank, rows.rows_filtered
        );
        let account = format!("{}, {}", header.account.id, header.account.role);
        let made = format!("{}, run {}", plan.made.at.strftime("%Y-%m-%d %H:%M:%S UTC"), plan.made.run);
        let facts = [
            ("Server", Some(header.server.clone())),
            ("Sandbox", sandbox),
            ("Account", Some(account)),
            ("Made", Some(made)),
            ("Files", Some(inputs.join(", "))),
            ("Rows read", Some(read)),
            ("Rounded", header.rounding.as_ref().map(ToString::to_string)),
            ("Digest", Some(plan.digest())),
        ];
        for (label, value) in facts.into_iter().filter_map(|(label, value)| Some((label, value?))) {
            let _ = writeln!(self.0, "<dt>{label}</dt><dd>{}</dd>", Escaped(&value));
        }
        self.0.push_str("</dl>\n");
    }

    fn table<'a>(&mut self, title: &str, headers: &[&str], rows: impl Iterator<Item = Vec<Cell<'a>>>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        let _ = write!(self.0, "<h2>{}</h2>\n<div class=\"table\"><table>\n<thead><tr>", Escaped(title));
        for header in headers {
            let (class, header) = match header.strip_prefix('>') {
                Some(header) => (" class=\"number\"", header),
                None => ("", *header),
            };
            let _ = write!(self.0, "<th{class}>{}</th>", Escaped(header));
        }
        self.0.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                self.cell(&cell);
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</tbody></table></div>\n");
    }

    fn cell(&mut self, cell: &Cell<'_>) {
        let _ = match cell {
            Cell::Text(text) => write!(self.0, "<td>{}</td>", Escaped(text)),
            Cell::Count(count) => write!(self.0, "<td class=\"number\">{count}</td>"),
            Cell::Amount(amount) => write!(self.0, "<td class=\"number\">{amount}</td>"),
            Cell::Nothing => write!(self.0, "<td class=\"number quiet\">–</td>"),
            Cell::Change(amount) if amount.is_zero() => write!(self.0, "<td class=\"number\">{amount}</td>"),
            Cell::Change(amount) if amount.is_negative() => {
                write!(self.0, "<td class=\"number less\">{amount}</td>")
            }
            Cell::Change(amount) => write!(self.0, "<td class=\"number more\">+{amount}</td>"),
        };
    }

    fn totals(&mut self, title: &str, totals: &[Totals]) {
        let has_customer = totals.iter().any(|group| group.customer.is_some());
        let has_project = totals.iter().any(|group| group.project.is_some());
        let names = [(has_customer, "Organisation"), (has_project, "Project")];
        let mut headers: Vec<&str> =
            names.iter().filter(|(is_there, _)| *is_there).map(|(_, name)| *name).collect();
        headers.extend([
            "Component",
            "Unit",
            ">New",
            ">Changed",
            ">Same",
            ">In Waldur alone",
            ">Stored",
            ">After posting",
            ">Difference",
            ">Money",
        ]);
        let rows = totals.iter().map(|group| {
            let (total, counts) = (&group.total, &group.total.counts);
            let names = group.customer.iter().chain(&group.project).chain([&group.component, &group.unit]);
            let counts = [counts.create, counts.update, counts.same, counts.only_on_server];
            let money = &total.money;
            let figures = [
                Cell::Amount(total.stored),
                Cell::Amount(total.after()),
                Cell::Change(total.difference()),
                if *money == Money::default() { Cell::Nothing } else { Cell::Change(money.difference()) },
            ];
            names.map(|name| Cell::Text(name)).chain(counts.map(Cell::Count)).chain(figures).collect()
        });
        self.table(title, &headers, rows);
    }

    fn people(&mut self, title: &str, plan: &Plan) {
        let headers =
            ["Organisation", "Project", "Resource", "Component", "User", "Action", ">Stored", ">New", "Cell"];
        let rows = plan.resources.iter().flat_map(|resource| {
            resource.people.iter().map(move |person| {
                vec![
                    Cell::Text(&resource.customer_name),
                    Cell::Text(&resource.project_name),
                    Cell::Text(&resource.name),
                    Cell::Text(person.component.as_str()),
                    Cell::Text(&person.username),
                    Cell::Text(status(person)),
                    person.old.map_or(Cell::Nothing, Cell::Amount),
                    Cell::Amount(person.new.get()),
                    Cell::Text(plan.cell_of(person.place.as_deref())),
                ]
            })
        });
        self.table(title, &headers, rows);
    }

    fn changes(&mut self, title: &str, plan: &Plan, wants: fn(&Line) -> Option<&Wanted>) {
        let headers = [
            "Organisation",
            "Project",
            "Resource",
            "Component",
            "Action",
            ">Stored",
            ">New",
            ">Difference",
            "Unit",
            ">Money",
            "Why",
            "Cell",
        ];
        let rows = plan.resources.iter().flat_map(|resource| {
            resource.lines.iter().filter_map(move |line| {
                let new = wants(line)?.amount.get();
                let old = line.change.old().map(|old| old.amount);
                let before = old.unwrap_or_default();
                let cost = |amount| line.price(amount);
                let money = cost(new).zip(cost(before)).and_then(|(new, old)| new.checked_sub(old));
                Some(vec![
                    Cell::Text(&resource.customer_name),
                    Cell::Text(&resource.project_name),
                    Cell::Text(&resource.name),
                    Cell::Text(line.component.as_str()),
                    Cell::Text(line.change.action()),
                    old.map_or(Cell::Nothing, Cell::Amount),
                    Cell::Amount(new),
                    Cell::Change(new.checked_sub(before).unwrap_or_default()),
                    Cell::Text(&line.unit),
                    money.map_or(Cell::Nothing, Cell::Change),
                    Cell::Text(line.change.reason()),
                    Cell::Text(plan.cell(line)),
                ])
            })
        });
        self.table(title, &headers, rows);
    }

    /// Lines that are stored and stay.
    fn others(&mut self, title: &str, plan: &Plan, wants: impl Fn(&Change) -> bool + Copy) {
        let headers = ["Organisation", "Project", "Resource", "Component", ">Stored", "Unit"];
        let rows = plan.resources.iter().flat_map(|resource| {
            let lines = resource.lines.iter().filter(move |line| wants(&line.change));
            lines.filter_map(move |line| {
                Some(vec![
                    Cell::Text(&resource.customer_name),
                    Cell::Text(&resource.project_name),
                    Cell::Text(&resource.name),
                    Cell::Text(line.component.as_str()),
                    Cell::Amount(line.change.old()?.amount),
                    Cell::Text(&line.unit),
                ])
            })
        });
        self.table(title, &headers, rows);
    }
}

fn sentence(money: &Money) -> String {
    let mut text = format!(
        "Money at the prices of the plans, each line rounded up to the cent: {} stored, {} after posting.",
        money.stored, money.after
    );
    if money.lines_without_price > 0 {
        let _ = write!(text, " {} billed lines have no known price.", money.lines_without_price);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn no_text_becomes_markup() {
        let text = Escaped("<img src=x onerror='a()'> & \"b\" \u{202e}").to_string();
        assert!(text.starts_with("&lt;img src=x onerror=&#39;a()&#39;&gt; &amp; &quot;b&quot; "), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
}
