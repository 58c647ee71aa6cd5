//! The picture of the README: what the program really prints, as an SVG.
//!
//! A test draws it again from a run of the demo and fails where the checked-in one differs. With
//! `WALDUR_USAGE_WRITE_SAMPLES=1` it writes it instead.

use std::fmt::Write;

use crate::rig::command;

const PROMPT: &str = "#7ee787";
const BAD: &str = "#ff7b72";
const GOOD: &str = "#7ee787";
const PLAIN: &str = "#e6edf3";

/// The lines of the demo that the picture shows, with a prompt before each command.
fn lines(demo: &str) -> Vec<String> {
    let demo = demo.replace("waldur-usage-demo/", "");
    let printed: Vec<&str> = demo.lines().collect();
    let from = |text: &str| printed.iter().position(|line| line.contains(text)).unwrap();
    let mut lines = vec!["$ waldur-usage check usage-2026-11-faults.xlsx".to_owned()];
    let mut add = |start: usize, count: usize| {
        lines.extend(printed[start..start + count].iter().map(|&line| line.to_owned()));
    };
    for finding in ["deny invalid-amount", "deny unknown-component", "deny duplicate-key"] {
        let start = from(finding);
        add(start, printed[start..].iter().position(|line| line.is_empty()).unwrap());
    }
    add(from("rows read: 30 used") - 1, 3);
    lines.extend([String::new(), "$ waldur-usage apply usage-2026-11.xlsx".to_owned()]);
    let mut add = |start: usize, count: usize| {
        lines.extend(printed[start..start + count].iter().map(|&line| line.to_owned()));
    };
    add(from("81 to create"), 1);
    add(from("Changes") - 1, 5);
    add(from("… and 88 more"), 1);
    add(from("100 rows: 100 posted") - 1, 4);
    lines
}

fn svg(lines: &[String]) -> String {
    let height = 40 + 18 * lines.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{height}\" viewBox=\"0 0 900 {height}\" \
         role=\"img\" aria-label=\"waldur-usage at work in a terminal\">\n\
         <rect width=\"900\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\n"
    );
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let colour = match line {
            line if line.starts_with('$') => PROMPT,
            line if line.starts_with("deny") || line.starts_with("not ok") => BAD,
            line if line.starts_with("verified") => GOOD,
            _ => PLAIN,
        };
        // Blanks that no viewer folds keep the columns in line.
        let text = line.replace('&', "&amp;").replace('<', "&lt;").replace(' ', "\u{a0}");
        let _ = writeln!(svg, "<text x=\"20\" y=\"{}\" fill=\"{colour}\">{text}</text>", 32 + 18 * number);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

#[test]
fn the_picture_shows_what_is_printed() {
    let folder = tempfile::TempDir::new().unwrap();
    let output = command(folder.path()).arg("demo").output().unwrap();
    let drawn = svg(&lines(&String::from_utf8(output.stdout).unwrap()));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/demo.svg");
    if std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some_and(|value| value == "1") {
        std::fs::write(path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == drawn,
        "samples/demo.svg is stale: WALDUR_USAGE_WRITE_SAMPLES=1 cargo test picture writes it"
    );
}
