//! Tables of two months, and what is said of them.

use uuid::Uuid;

use super::*;
use crate::domain::{BillingType, CarryOver, CustomerId, ProjectId, ResourceState, UsageId};
use crate::resolve::{Component, Offering, Resource};

const OFFERING: u128 = 1;

fn amount(text: &str) -> Amount {
    text.parse().expect(text)
}

fn resource_id(number: usize) -> ResourceId {
    ResourceId::new(Uuid::from_u128(100 + u128::try_from(number).unwrap()))
}

fn catalogue(resources: usize) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let component = |name: &str| Component {
        component_type: name.parse().unwrap(),
        name: name.to_owned(),
        measured_unit: "hours".to_owned(),
        billing_type: BillingType::Usage,
        has_limit: false,
        limit: None,
    };
    let id = OfferingId::new(Uuid::from_u128(OFFERING));
    catalogue.add_offering(Offering {
        id,
        name: "HPC".to_owned(),
        customer: None,
        components: vec![component("cpu"), component("ram")],
        prices: HashMap::new(),
    });
    for number in 0..resources {
        catalogue.add_resource(Resource {
            id: resource_id(number),
            name: format!("r{number}"),
            slug: String::new(),
            backend_id: String::new(),
            state: ResourceState::Ok,
            offering: id,
            created: None,
            plan: None,
            project: ProjectId::new(Uuid::from_u128(2)),
            project_name: String::new(),
            customer: CustomerId::new(Uuid::from_u128(3)),
            customer_name: String::new(),
        });
    }
    catalogue
}

/// What is said of the amounts of this month and last month: codes, with what was found.
fn said(columns: &[(&str, &[(&str, &str)])]) -> Vec<(Code, String)> {
    let most = columns.iter().map(|(_, rows)| rows.len()).max().unwrap();
    let catalogue = catalogue(most);
    let types: Vec<ComponentType> = columns.iter().map(|(name, _)| name.parse().unwrap()).collect();
    let (mut now, mut last) = (Vec::new(), Vec::new());
    for ((_, rows), component) in columns.iter().zip(&types) {
        for (number, (was, is)) in rows.iter().enumerate() {
            let resource = resource_id(number);
            if !was.is_empty() {
                last.push(StoredUsage {
                    id: UsageId::new(Uuid::from_u128(9)),
                    resource,
                    component: component.clone(),
                    period: "2026-10".parse().unwrap(),
                    amount: amount(was),
                    description: String::new(),
                    carry_over: CarryOver::None,
                    modified_by: None,
                });
            }
            let row = Some(RowIndex(u32::try_from(number).unwrap()));
            now.push(Reported { resource, component, amount: amount(is), stands: Stands::Nowhere, row });
        }
    }
    let mut findings = Findings::default();
    compare(now.into_iter(), &last, &catalogue, &mut findings);
    findings.list().iter().map(|finding| (finding.code, finding.found.clone())).collect()
}

fn codes(rows: &[(&str, &str)]) -> Vec<Code> {
    said(&[("cpu", rows)]).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn ratios_of_units_are_pointed_out_with_counts_and_examples() {
    let minutes = [("10", "612"), ("20", "1100"), ("7", "300"), ("5", "6")];
    assert_eq!(
        said(&[("cpu", &minutes)]),
        [(
            Code::UnitRatio,
            "cpu: 3 of 4 amounts are about 60 times last month's: r0 had 10.00 and has 612.00 hours; \
             r1 had 20.00 and has 1100.00 hours; r2 had 7.00 and has 300.00 hours"
                .to_owned()
        )]
    );
    for (was, is, ratio) in [
        ("10", "240", "24 times"),
        ("10", "10000", "1000 times"),
        ("10", "10240", "1024 times"),
        ("10240", "10", "1/1024 of"),
        ("1000", "1", "1/1000 of"),
        ("61", "1", "1/60 of"),
        ("24", "1", "1/24 of"),
    ] {
        let said = said(&[("cpu", &[(was, is), ("3", "4"), ("9", "8")])]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, Code::UnitRatio);
        assert!(said[0].1.contains(&format!("1 of 3 amounts are about {ratio} last month's")), "{said:?}");
    }
}

#[test]
fn spikes_are_what_is_large_beside_the_component() {
    let spike = said(&[("cpu", &[("10", "150"), ("20", "21"), ("30", "28")])]);
    assert_eq!(spike.len(), 1, "{spike:?}");
    assert_eq!(spike[0].0, Code::Spike);
    assert!(spike[0].1.starts_with("cpu: 1 of 3 amounts are at least 10 times last month's: r0 had 10.00"));
    assert_eq!(codes(&[("0.01", "0.15"), ("2000", "2100"), ("30", "28")]), []);
    assert_eq!(codes(&[("0", "500"), ("", "700"), ("30", "28")]), []);
    assert_eq!(codes(&[("10", "99"), ("20", "21"), ("30", "28")]), []);
}

#[test]
fn a_copied_month_is_told_by_column_or_by_file() {
    assert_eq!(codes(&[("1", "1"), ("2", "2"), ("3.50", "3.5")]), [Code::CopyOfLastMonth]);
    assert_eq!(codes(&[("1", "1"), ("2", "2")]), []);
    assert_eq!(codes(&[("1", "1"), ("2", "2"), ("3", "3"), ("", "4")]), []);
    assert_eq!(codes(&[("0", "0"), ("0", "0"), ("0", "0")]), []);
    let both = said(&[("cpu", &[("1", "1"), ("2", "2")]), ("ram", &[("7", "7")])]);
    assert_eq!(both.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::CopyOfLastMonth; 2]);
}

#[test]
fn a_counter_is_told_by_growing_everywhere() {
    let grows = [("10", "20"), ("30", "35"), ("7", "8"), ("5", "6"), ("100", "160")];
    assert_eq!(codes(&grows), [Code::LifetimeCounter]);
    let falls = [("10", "20"), ("30", "35"), ("7", "6.99"), ("5", "6"), ("100", "160")];
    assert_eq!(codes(&falls), []);
    assert_eq!(codes(&grows[..4]), [], "four amounts are too few");
    let little = [("10", "11"), ("30", "31"), ("7", "8"), ("5", "6"), ("100", "101")];
    assert_eq!(codes(&little), [], "a few that grow a little are no counter");
    let many: Vec<(&str, &str)> = little.iter().copied().cycle().take(20).collect();
    assert_eq!(codes(&many), [Code::LifetimeCounter]);
}
