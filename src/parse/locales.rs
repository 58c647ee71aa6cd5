//! One table in many ways of writing: equal figures, or a refusal, and never another figure.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::*;
    use crate::domain::BillingPeriod;
    use crate::findings::{Code, Findings};

    /// A short sweep, or a long one where `WALDUR_USAGE_SWEEP=full` asks for it.
    fn cases(short: u32, full: u32) -> ProptestConfig {
        let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
        let rng_seed = proptest::test_runner::RngSeed::Fixed(2026);
        ProptestConfig { cases: if is_full { full } else { short }, rng_seed, ..ProptestConfig::default() }
    }

    /// A way of writing numbers.
    #[derive(Debug, Clone)]
    struct Writer {
        decimal: char,
        /// What stands between groups of three digits; nothing where it is `None`.
        groups: Option<char>,
        /// Whether zeros at the end are written.
        is_padded: bool,
        is_full_width: bool,
        unit: &'static str,
    }

    fn writers() -> impl Strategy<Value = Writer> {
        let spaces = ['\u{a0}', '\u{202f}', '\u{2009}', ' ', '\'', '\u{2019}'];
        let groups =
            prop::option::of(prop_oneof![Just(None), prop::sample::select(spaces.to_vec()).prop_map(Some),]);
        let units = prop::sample::select(vec!["", "", " core-hours", "\u{a0}GB-hours", "h"]);
        (any::<bool>(), groups, any::<bool>(), prop::bool::weighted(0.1), units).prop_map(
            |(is_point, groups, is_padded, is_full_width, unit)| {
                let (decimal, other) = if is_point { ('.', ',') } else { (',', '.') };
                let groups = groups.map(|group| group.unwrap_or(other));
                Writer { decimal, groups, is_padded, is_full_width, unit }
            },
        )
    }

    impl Writer {
        fn write(&self, cents: u64) -> String {
            let digits = (cents / 100).to_string();
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    text.extend(self.groups);
                }
                text.push(digit);
            }
            let fraction = format!("{:02}", cents % 100);
            let kept = if self.is_padded { &fraction } else { fraction.trim_end_matches('0') };
            if !kept.is_empty() {
                text.push(self.decimal);
                text.push_str(kept);
            }
            if self.is_full_width {
                let wide = |one: char| match one {
                    '0'..='9' | '.' | ',' => char::from_u32(u32::from(one) + 0xfee0).unwrap_or(one),
                    other => other,
                };
                text = text.chars().map(wide).collect();
            }
            text + self.unit
        }
    }

    /// The ways of writing a month: day first, month first, or neither.
    const MONTHS: [&str; 14] = [
        "Y-M", "Y-M-1", "M/Y", "Y/M", "N Y", "n-Y", "1 N Y", "YM", "D.M.Y", "D/M/Y", "D-M-Y", "M/D/Y",
        "M-D-Y", "Y-M-D",
    ];

    fn month(form: &str, period: BillingPeriod, day: u8) -> String {
        let names = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let name = names[usize::try_from(period.month() - 1).unwrap()];
        let mut text = String::new();
        for one in form.chars() {
            let part = match one {
                'Y' => period.year().to_string(),
                'M' => format!("{:02}", period.month()),
                'D' => format!("{day:02}"),
                'N' => name.to_owned(),
                'n' => name[..3].to_owned(),
                other => other.to_string(),
            };
            text.push_str(&part);
        }
        text
    }

    /// Parses a table of the long form: months and amounts.
    fn parse(rows: &[(String, String)], settings: &ParseSettings) -> (Parsed, Findings) {
        let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
        let mut findings = Findings::default();
        let mut parser = Parser::new(settings, &mut findings);
        let mut row = RawRow::new(table.clone());
        row.start(1);
        for (column, header) in
            ["resource_name", "component_type", "billing_period", "amount"].iter().enumerate()
        {
            row.push(column, header, CellKind::Text);
        }
        parser.row(&row);
        for (number, (month, amount)) in (2..).zip(rows) {
            row.start(number);
            for (column, text) in ["a", "cpu", month, amount].iter().enumerate() {
                row.push(column, text, CellKind::Text);
            }
            parser.row(&row);
        }
        parser.end_table(&table, true);
        (parser.finish(), findings)
    }

    /// What was read of each row: its month and amount.
    fn read(parsed: &Parsed, rows: usize) -> Vec<Option<(BillingPeriod, String)>> {
        let mut read = vec![None; rows];
        for figure in &parsed.figures {
            let subject = &parsed.subjects[figure.subject()];
            let at = usize::try_from(subject.number).unwrap() - 2;
            read[at] = Some((subject.period, figure.amount.to_string()));
        }
        read
    }

    fn periods() -> impl Strategy<Value = BillingPeriod> {
        (2000_i16..2100, 1_i8..=12).prop_map(|(year, month)| BillingPeriod::new(year, month).unwrap())
    }

    fn amounts() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..200_000_u64,
            (0..10_000_000_u64).prop_map(|whole| whole * 100),
            0..100_000_000_000_000_u64
        ]
    }

    proptest! {
        #![proptest_config(cases(400, 40_000))]

        #[test]
        fn one_table_in_any_writing_is_read_alike_or_refused(
            writer in writers(),
            form in prop::sample::select(MONTHS.to_vec()),
            rows in prop::collection::vec((periods(), 1_u8..=28, amounts()), 1..20),
            says in any::<bool>(),
        ) {
            let expected: Vec<(BillingPeriod, String)> = rows
                .iter()
                .map(|(period, _, cents)| (*period, format!("{}.{:02}", cents / 100, cents % 100)))
                .collect();
            let texts: Vec<(String, String)> =
                rows.iter().map(|(period, day, cents)| (month(form, *period, *day), writer.write(*cents))).collect();
            let settings = ParseSettings {
                decimal: says.then_some(if writer.decimal == '.' { DecimalSign::Point } else { DecimalSign::Comma }),
                dates: says.then_some(if form.starts_with('M') && form.contains('D') { DateOrder::MonthFirst } else { DateOrder::DayFirst }),
                ..ParseSettings::default()
            };
            let (parsed, findings) = parse(&texts, &settings);
            let refusals = [
                Code::AmbiguousAmount, Code::MixedDecimalSigns, Code::AmbiguousPeriod, Code::MixedDateOrders,
                Code::TooManyDecimals, Code::DayAsMonth, Code::ThinEvidence,
            ];
            for finding in findings.list() {
                prop_assert!(refusals.contains(&finding.code), "{finding:?}");
            }
            for (found, expected) in read(&parsed, rows.len()).into_iter().zip(&expected) {
                if let Some(found) = &found {
                    prop_assert_eq!(found, expected);
                }
                // What was said settles it, so nothing is left to refuse.
                prop_assert!(found.is_some() || !says, "{:?}", texts);
            }
            let counts = parsed.fates.counts();
            prop_assert_eq!(counts.rows_read, rows.len());
            prop_assert_eq!(counts.rows_used, parsed.figures.len());
            prop_assert_eq!(counts.rows_faulty, rows.len() - parsed.figures.len());
            prop_assert_eq!(counts.rows_faulty, findings.faulty_rows().count());
        }
    }

    /// What a text is with a decimal sign, by a plain reading of the rules; digits before and behind it.
    fn by_the_rules(text: &str, sign: char) -> Option<(String, String)> {
        let other = if sign == '.' { ',' } else { '.' };
        let parts: Vec<&str> = text.split(sign).collect();
        let (whole, fraction) = match parts.as_slice() {
            [whole] => (*whole, "0"),
            [whole, fraction] => (*whole, *fraction),
            _ => return None,
        };
        let digits = |text: &str| !text.is_empty() && text.chars().all(|one| one.is_ascii_digit());
        let is_grouped = |by: char| {
            let groups: Vec<&str> = whole.split(by).collect();
            let lengths = groups.iter().skip(1).all(|group| group.len() == 3);
            groups.len() > 1
                && groups.iter().all(|group| digits(group))
                && lengths
                && groups[0].len() <= 3
                && !groups[0].starts_with('0')
        };
        let sound = digits(whole) || [other, ' ', '\''].into_iter().any(is_grouped);
        let sound = (sound || whole.is_empty() && parts.len() == 2) && digits(fraction);
        let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
        sound.then(|| (whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned()))
    }

    proptest! {
        #![proptest_config(cases(1_000, 50_000))]

        #[test]
        fn a_column_of_anything_is_read_with_one_sign_that_it_shows(
            texts in prop::collection::vec(
                prop_oneof![
                    "[0-9]{1,3}[.,][0-9]{3}",
                    "[0-9]{1,4}[.,][0-9]{1,4}",
                    "[0-9]{1,3}[., '][0-9]{3}[., '][0-9]{1,3}",
                    "[0-9., ']{1,12}",
                ],
                1..8,
            ),
        ) {
            let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
            let rows: Vec<_> = texts.iter().map(|text| ("2026-11".to_owned(), text.clone())).collect();
            let (parsed, _) = parse(&rows, &ParseSettings::default());
            let readings: Vec<_> =
                texts.iter().map(|text| (by_the_rules(text, '.'), by_the_rules(text, ','))).collect();
            let shows = |point: bool| readings.iter().any(|reading| match reading {
                (Some(_), None) => point,
                (None, Some(_)) => !point,
                _ => false,
            });
            for ((found, reading), text) in read(&parsed, texts.len()).into_iter().zip(&readings).zip(&texts) {
                let Some((_, amount)) = found else { continue };
                let (whole, fraction) = amount.split_once('.').unwrap();
                let amount = (whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned());
                let right = match reading {
                    (Some(point), Some(comma)) if point == comma && !text.contains(['.', ',']) => Some(point),
                    _ if shows(true) && shows(false) => None,
                    (point, _) if shows(true) => point.as_ref(),
                    (_, comma) if shows(false) => comma.as_ref(),
                    _ => None,
                };
                prop_assert_eq!(Some(&amount), right, "{:?}", texts);
            }
        }
    }
}
