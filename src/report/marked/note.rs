//! The text of a comment of ours: how it is written, and how it is known again.
//!
//! A colleague may write above, below or between its lines. The law kept here: only lines that are ours
//! come off again, and a text that merely speaks of this program is nobody's note of ours.

use std::ops::Range;

use crate::domain::{cut, visible};

use super::Remark;

/// What stands above a note and below it.
const BEGIN: &str = "[waldur-usage]";
const END: &str = "[/waldur-usage]";

/// Findings of one cell that its note speaks of, and characters that it has at most.
const MOST_FINDINGS: usize = 4;
const LONGEST: usize = 1200;
const LEAST: usize = 40;

const SEVERITIES: [&str; 2] = ["deny: ", "warn: "];
const FOUND: &str = "Found: ";
const EXPECTED: &str = "Expected: ";
const TO_DO: &str = "What to do: ";

/// A character of a text and where it stands in its part.
pub type Placed = (char, Range<usize>);

/// What a note says of the findings of its cell.
pub fn note(remarks: &[Remark]) -> String {
    let mut lines = Vec::new();
    for remark in remarks.iter().take(MOST_FINDINGS) {
        lines.push(format!("{}{}", SEVERITIES[usize::from(!remark.is_deny)], remark.title));
        lines.push(format!("{FOUND}{}", visible(&remark.found)));
        lines.push(format!("{EXPECTED}{}", visible(&remark.expected)));
        lines.extend(remark.hint.as_deref().map(|hint| format!("{TO_DO}{}", visible(hint))));
    }
    if remarks.len() > MOST_FINDINGS {
        lines.push(format!("and {} more", remarks.len() - MOST_FINDINGS));
    }
    let (mut note, mut room) = (String::new(), LONGEST);
    for line in lines {
        // A line of which too little would be left to say what it is is left out, and so are those behind it.
        if room < LEAST {
            break;
        }
        let line = cut(&line, room);
        room = room.saturating_sub(line.chars().count() + 1);
        note.push_str(if note.is_empty() { "" } else { "\n" });
        note.push_str(&line);
    }
    note
}

/// A note between the lines by which it is known again.
pub fn framed(note: &str) -> String {
    format!("{BEGIN}\n{note}\n{END}")
}

/// The places in a text that are ours: ranges of its characters, in order and apart from each other.
pub fn ours(text: &[Placed]) -> Vec<Range<usize>> {
    let lines = lines(text);
    let words = |line: &Range<usize>| -> String { text[line.clone()].iter().map(|(one, _)| *one).collect() };
    let mut ours: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let is_note = words(&lines[at]).trim() == BEGIN
            && lines.get(at + 1).is_some_and(|line| is_severity(&words(line)));
        if !is_note {
            at += 1;
            continue;
        }
        take(&mut ours, text, &lines[at]);
        let end = (at + 1..lines.len()).find(|&line| words(&lines[line]).trim_start().starts_with(END));
        let mut next = Next::Severity;
        at += 1;
        while at < lines.len() {
            let line = words(&lines[at]);
            if Some(at) == end {
                // What somebody has typed behind our last character stays.
                let indent = line.len() - line.trim_start().len();
                let start = lines[at].start + indent;
                let frame = start..start + END.len();
                let is_alone = line.trim() == END;
                take(&mut ours, text, if is_alone { &lines[at] } else { &frame });
                at += 1;
                break;
            }
            match next.after(&line) {
                Some(then) => {
                    next = then;
                    take(&mut ours, text, &lines[at]);
                }
                // The note has no end, so that it ends where it reads like none.
                None if end.is_none() => break,
                None => {}
            }
            at += 1;
        }
    }
    ours
}

/// Takes a line with the break before it, or behind it where nothing is left before.
fn take(ours: &mut Vec<Range<usize>>, text: &[Placed], line: &Range<usize>) {
    let mut range = line.clone();
    let is_break = |at: usize| text.get(at).is_some_and(|(one, _)| matches!(one, '\n' | '\r'));
    let is_left = |at: usize, ours: &[Range<usize>]| ours.last().is_none_or(|last| last.end <= at);
    let is_first = ours.iter().map(ExactSizeIterator::len).sum::<usize>() == line.start;
    if is_first {
        while is_break(range.end) && text[range.end].0 == '\r' {
            range.end += 1;
        }
        if is_break(range.end) {
            range.end += 1;
        }
    } else {
        let mut breaks = 0;
        while range.start > 0
            && is_break(range.start - 1)
            && is_left(range.start - 1, ours)
            && (breaks == 0 || text[range.start - 1].0 == '\r')
        {
            range.start -= 1;
            breaks += 1;
        }
    }
    ours.push(range);
}

/// The lines of a text without their breaks.
fn lines(text: &[Placed]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    let ends = text.iter().enumerate().filter(|(_, (one, _))| *one == '\n').map(|(at, _)| at);
    for end in ends.chain([text.len()]) {
        let has_return = end > start && text[end - 1].0 == '\r';
        lines.push(start..end - usize::from(has_return));
        start = end + 1;
    }
    lines
}

fn is_severity(line: &str) -> bool {
    SEVERITIES.iter().any(|severity| line.starts_with(severity))
}

/// Which line of a note comes next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Severity,
    Found,
    Expected,
    ToDo,
    Nothing,
}

impl Next {
    /// What comes behind a line; `None` where the line is none of a note.
    fn after(self, line: &str) -> Option<Self> {
        let is = |start: &str| line.starts_with(start);
        let is_more = || {
            let number = line.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" more"));
            number.is_some_and(|number| !number.is_empty() && number.bytes().all(|one| one.is_ascii_digit()))
        };
        match self {
            Self::Found if is(FOUND) => Some(Self::Expected),
            Self::Expected if is(EXPECTED) => Some(Self::ToDo),
            Self::ToDo if is(TO_DO) => Some(Self::Severity),
            Self::Severity | Self::ToDo if is_severity(line) => Some(Self::Found),
            Self::Severity | Self::ToDo if is_more() => Some(Self::Nothing),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a text without ours.
    fn left(text: &str) -> String {
        let placed: Vec<Placed> =
            text.char_indices().map(|(at, one)| (one, at..at + one.len_utf8())).collect();
        let ours = ours(&placed);
        let is_kept = |at: &usize| !ours.iter().any(|range| range.contains(at));
        (0..placed.len()).filter(is_kept).map(|at| placed[at].0).collect()
    }

    fn remark(hint: Option<&str>) -> Remark {
        Remark {
            is_deny: true,
            code: "negative-amount",
            title: "an amount is negative",
            place: None,
            others: Vec::new(),
            found: "-3".into(),
            expected: "0 or more".into(),
            hint: hint.map(str::to_owned),
        }
    }

    #[test]
    fn only_what_is_ours_comes_off() {
        let whole = framed(&note(&[remark(Some("mend it")), remark(None)]));
        assert_eq!(left(&whole), "");
        assert_eq!(left(&format!("ask Bo\n{whole}")), "ask Bo");
        assert_eq!(left(&format!("{whole}\nBo: done")), "Bo: done");
        assert_eq!(left(&format!("{whole} Bo: done")), " Bo: done");
        assert_eq!(
            left(&format!("ask Bo\n{whole}\nFound: a better figure\n{whole}")),
            "ask Bo\nFound: a better figure"
        );
        assert_eq!(left(&format!("ask Bo\r\n{}\r\nok", whole.replace('\n', "\r\n"))), "ask Bo\r\nok");
        // Between our lines, too.
        assert_eq!(left(&whole.replacen("Expected", "Bo: is it?\nExpected", 1)), "Bo: is it?");
    }

    #[test]
    fn a_note_without_an_end_ends_where_it_reads_like_none() {
        let note = format!("{BEGIN}\n{}", note(&[remark(Some("mend it"))]));
        assert_eq!(left(&note), "");
        assert_eq!(left(&format!("{note}\nBo: done\nFound: x")), "Bo: done\nFound: x");
        assert_eq!(left(&format!("{note}\nFound: x")), "Found: x");
    }

    #[test]
    fn words_about_this_program_stay() {
        for text in
            ["see [waldur-usage] for that", "[waldur-usage]", "[waldur-usage]\nis wrong", "[/waldur-usage]"]
        {
            assert_eq!(left(text), text);
        }
    }

    #[test]
    fn a_long_note_is_cut_where_a_word_ends_and_comes_off() {
        for length in 300..420 {
            let mut long = remark(Some("mend it"));
            long.found = "word ".repeat(length / 5) + &"x".repeat(length % 5);
            let note = note(&[long.clone(), long.clone(), long]);
            assert!(note.chars().count() <= LONGEST && !note.ends_with("wor…"), "{note}");
            assert_eq!(left(&format!("a\n{}\nb", framed(&note))), "a\nb", "{length}");
        }
    }
}
