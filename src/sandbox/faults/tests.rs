//! Specs are read wholly or refused, every fault can be written down again, and chance repeats.

use serde_json::json;

use super::quirks::Rows;
use super::{Fault, FaultKind, NAMES, Quirks, Rate, SeenRequest, Watch};

/// A spec, and how it is written out in full.
const SPECS: [(&str, &str); 35] = [
    ("status=429 retry-after=3", "status=429 retry-after=3"),
    ("status=200 body=hi content-type=text/plain", "status=200 body=hi content-type=text/plain"),
    ("body=\"a \\\"b\\\"\" status=500", "status=500 body=\"a \\\"b\\\"\" content-type=text/html"),
    ("status=503 method=POST", "status=503 method=POST"),
    ("status-after-commit=504", "status-after-commit=504"),
    ("drop-before-commit", "drop-before-commit"),
    ("drop-after-commit rate=0.005 path=set_usage", "drop-after-commit path=set_usage rate=0.005"),
    ("delay=250ms", "delay=250ms"),
    ("delay=\"1h 30m\"", "delay=90m"),
    ("slow", "slow=100ms chunk=64"),
    ("clock-skew=0s", "clock-skew=0s"),
    ("delay=1.0000025s", "delay=1000002500ns"),
    ("slow=1s chunk=1", "slow=1s chunk=1"),
    ("stalled", "stalled=1h"),
    ("truncated", "truncated"),
    ("html skip=2 times=1", "html skip=2 times=1"),
    ("rows-repeated", "rows-repeated"),
    ("  rows-lost   path=component-usages ", "rows-lost path=component-usages"),
    ("untied-order", "untied-order"),
    ("added-field", "added-field=added"),
    ("added-field=gpu_model path=usages", "added-field=gpu_model path=usages"),
    ("filters-ignored", "filters-ignored"),
    ("filters-ignored=type,billing_period", "filters-ignored=type,billing_period"),
    ("clock-skew=-90s", "clock-skew=-90s"),
    ("wrong-date", "wrong-date=\"the day before yesterday\""),
    ("missing-date method=get", "missing-date method=GET"),
    ("token-expires after=100", "token-expires skip=100"),
    ("half-applied=2 then=drop", "half-applied=2 then=drop"),
    ("month-turns times=always", "month-turns times=always"),
    ("another-writer=after amount=7.50", "another-writer=after amount=7.50"),
    ("endless-link rate=1", "endless-link"),
    ("foreign-link=http://elsewhere:80/", "foreign-link=http://elsewhere:80"),
    ("redirect=307 to=/api/", "redirect=307 to=/api/"),
    ("huge-body=2MiB", "huge-body=2097152"),
    ("deep-body rate=0.000001", "deep-body=100000 rate=0.000001"),
];

#[test]
fn every_fault_can_be_written_down_and_read_again() {
    for (spec, written) in SPECS {
        let fault: Fault = spec.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(fault.to_string(), written);
        assert_eq!(written.parse(), Ok(fault), "{written}");
    }
    let unwritten: Vec<_> = NAMES
        .iter()
        .filter(|row| !SPECS.iter().any(|(_, written)| written.split(['=', ' ']).next() == Some(row.name)))
        .collect();
    assert!(unwritten.is_empty(), "{unwritten:?}");
}

#[test]
fn an_object_has_the_words_of_a_spec() {
    let objects = [
        (json!({"status": 503, "rate": "0.01", "method": "POST"}), "status=503 rate=0.01 method=POST"),
        (json!({"drop-after-commit": true, "skip": 3}), "drop-after-commit skip=3"),
        (json!({"rows-lost": null, "rate": 0.25}), "rows-lost rate=0.25"),
        (json!("html"), "html"),
    ];
    for (object, spec) in objects {
        assert_eq!(Fault::from_json(&object), spec.parse(), "{spec}");
    }
    for wrong in [json!(7), json!([]), json!({"html": false}), json!({"html": {}}), json!({})] {
        assert!(Fault::from_json(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_spec_that_is_not_understood_is_refused_with_what_where_and_why() {
    let specs = [
        ("", "the fault \"\" cannot be understood: it names no fault"),
        ("rate=1", "it names no fault"),
        ("statos=503", "word 1 `statos`: no fault has this name; did you mean status?"),
        ("status=abc rate=0.01", "word 1 `status`: `abc`: it has to be a status from 200 to 599"),
        ("status=99", "a status from 200 to 599"),
        ("status", "status needs a value after `=`"),
        ("html rate=1.5", "word 2 `rate`: `1.5`: a rate is a decimal from 0.000001 to 1"),
        ("html rate=0", "a rate is a decimal"),
        ("html rate=0.0000001", "a rate is a decimal"),
        ("html rate=1e-3e6", "a rate is a decimal"),
        ("html status=500", "more than one fault"),
        ("html skip=1 skip=2", "word 3 `skip`: it is there twice"),
        ("html skip=1 after=2", "skip and after say the same"),
        ("html skip", "word 2 `skip`: it needs a value"),
        ("html times=-1", "word 2 `times`: `-1`: it has to be a number of requests, or always"),
        (
            "html method=POTS",
            "word 2 `method`: `POTS`: it has to be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS; did you mean POST?",
        ),
        ("html method=\"\"", "one of GET, HEAD,"),
        ("html colour=red", "word 2 `colour`: html does not take it; it takes method=, path="),
        ("half-applied colour=red", "it takes half-applied[=ITEMS] [then=500|drop], method="),
        ("html=1", "this fault takes no value"),
        ("delay", "delay needs a value"),
        ("delay=-1s", "time does not run backwards"),
        ("delay=soon", "a time is written as 250ms"),
        ("slow chunk=0", "a number of bytes"),
        ("status=500 body=\"never ends", "the quotation that begins here does not end well"),
        ("status=503 retry-after=1 body=x", "it goes without body"),
        ("redirect=418", "301, 302, 303, 307 or 308"),
        ("redirect to=elsewhere", "a path or an origin"),
        ("foreign-link=ftp://x", "an origin is written as"),
        ("foreign-link=http://x/y", "an origin is written as"),
        ("half-applied then=shrug", "it has to be 500 or drop"),
        ("another-writer amount=1.234", "two decimals at most"),
        ("huge-body=1PiB", "a size is written as"),
        ("deep-body=10000001", "10 million levels are the most"),
        ("wrong-date=\"\"", "a header is plain ASCII and not empty"),
    ];
    for (spec, why) in specs {
        let error = spec.parse::<Fault>().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        // The names help those alone who named none.
        let names_none = why.contains("names no fault") || why.contains("no fault has this name");
        let hint = error.hint();
        assert_eq!(hint.contains("untied-order"), names_none, "{spec}: {hint}");
        assert!(!names_none || NAMES.iter().all(|row| hint.contains(row.name)), "{spec}: {hint}");
    }
}

/// Which of so many requests a watch strikes.
fn struck(watch: &Watch, requests: usize) -> Vec<usize> {
    let request = || SeenRequest::new("GET", "/api/".into(), b"");
    let counts = || watch.faults().iter().map(|(_, count)| *count).sum::<u64>();
    let strikes = |_: &usize| {
        let before = counts();
        watch.observe(request(), None);
        counts() > before
    };
    (0..requests).filter(strikes).collect()
}

#[test]
fn chance_is_a_share_and_repeats_with_its_seed() {
    let watch = |seed| Watch::new(vec!["html rate=0.1".parse().unwrap()], seed);
    let first = struck(&watch(7), 10_000);
    assert!((900..=1_100).contains(&first.len()), "{}", first.len());
    assert_eq!(first, struck(&watch(7), 10_000));
    assert_ne!(first, struck(&watch(8), 10_000));
    let limited = Watch::new(vec!["html rate=0.5 skip=10 times=3".parse().unwrap()], 1);
    let limited = struck(&limited, 1_000);
    assert_eq!(limited.len(), 3);
    assert!(limited[0] >= 10, "{limited:?}");
    assert_eq!(Rate::per_million(0).ok(), None);
}

#[test]
fn one_fault_of_a_stage_strikes_and_faults_of_others_add_up() {
    let faults = ["html times=1", "status=500", "missing-date", "clock-skew=1h", "truncated", "rows-lost"];
    let watch = Watch::new(faults.iter().map(|spec| spec.parse().unwrap()).collect(), 0);
    struck(&watch, 3);
    let counts: Vec<u64> = watch.faults().into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [1, 2, 3, 0, 3, 3]);
}

#[test]
fn an_expired_token_stays_so_until_the_faults_are_cleared() {
    let watch = Watch::new(vec![Fault { skip: 1, ..Fault::new(FaultKind::TokenExpires) }], 0);
    let is_expired = |token: Option<&str>| {
        watch.observe(SeenRequest::new("GET", "/api/".into(), b""), token).quirks.token_expired
    };
    let seen = [Some("one"), None, Some("one"), Some("two")].map(is_expired);
    // The second request is struck and has no token that could expire.
    assert_eq!(seen, [false, false, false, false]);
    watch.inject(Fault::new(FaultKind::TokenExpires));
    assert_eq!([Some("one"), Some("two"), Some("one")].map(is_expired), [true, false, true]);
    watch.clear();
    assert!(!is_expired(Some("one")));
}

#[test]
fn untied_rows_stay_within_their_ties() {
    let quirks = Quirks { rows: Rows::Untied(3), ..Quirks::default() };
    let order = |page: &str| {
        let mut rows: Vec<usize> = (0..100).collect();
        quirks.untie(page, &mut rows, |at| at / 10);
        rows
    };
    let first = order("1");
    assert!(first.iter().enumerate().all(|(place, at)| place / 10 == at / 10), "{first:?}");
    assert_eq!(first, order("1"));
    assert_ne!(first, order("2"));
    assert_ne!(first, (0..100).collect::<Vec<_>>());
}
