//! What the server itself adds up of usages.
//!
//! `component_usages_per_month` sums all usages of the server by offering and component, for staff and
//! support alone. Where it says something else than what was read, the reading is not believed.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{Amount, BillingPeriod, OfferingId};

use super::super::WaldurError;
use super::MonthReader;

const PATH: &str = "marketplace-stats/component_usages_per_month/";

#[derive(Debug, Deserialize)]
struct Told {
    offering_uuid: Uuid,
    component_type: String,
    year: i16,
    month: i8,
    usage: Amount,
}

impl MonthReader {
    /// Whether sums of usages by component are those that the server tells; `None` where this account
    /// may not read them, or where they are of something else than what was asked for.
    pub async fn usages_agree(
        &mut self,
        period: BillingPeriod,
        sums: &[(String, Amount)],
    ) -> Result<Option<bool>, WaldurError> {
        if !self.account.is_staff && !self.account.is_support || !self.filter.is_of_whole_components() {
            return Ok(None);
        }
        // Newer servers keep an answer for an hour, by its whole address.
        let query = [
            ("start", period.to_string()),
            ("end", period.to_string()),
            ("as_of", Timestamp::now().as_millisecond().to_string()),
        ];
        let told = match self.http.get_json::<Vec<Told>>(PATH, &query).await {
            Ok(told) => told,
            Err(
                WaldurError::Forbidden { .. }
                | WaldurError::Status { status: 400..=499, .. }
                | WaldurError::NotTheApi { .. },
            ) => {
                self.tell(format!("/api/{PATH} cannot be read, so no sum is held against it"));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let told = told.into_iter().filter(|row| BillingPeriod::new(row.year, row.month) == Ok(period));
        let offering = self.filter.offering.map(OfferingId::uuid);
        let told = told.filter(|row| offering.is_none_or(|offering| offering == row.offering_uuid));
        let component = self.filter.component.as_ref();
        let told = told.filter(|row| component.is_none_or(|own| own.as_str() == row.component_type));
        Ok(Some(agree(told, sums)))
    }
}

/// Whether sums are those that are told. A row comes once for each group of the offering, and some
/// servers cut the cents off each row.
fn agree(told: impl Iterator<Item = Told>, sums: &[(String, Amount)]) -> bool {
    let rows: HashMap<(Uuid, String), Amount> =
        told.map(|row| ((row.offering_uuid, row.component_type), row.usage)).collect();
    let mut by_component: BTreeMap<&str, Vec<Amount>> = BTreeMap::new();
    for ((_, component), usage) in &rows {
        by_component.entry(component).or_default().push(*usage);
    }
    let own: HashMap<&str, Amount> = sums.iter().map(|(component, sum)| (component.as_str(), *sum)).collect();
    let is_told = |sum: Amount, told: &[Amount]| {
        let Some(total) = Amount::total(told.iter().copied()) else { return false };
        let Some(rest) = sum.checked_sub(total) else { return false };
        let is_cut = told.iter().all(|usage| usage.steps() % Amount::from(1).steps() == 0);
        let most = u32::try_from(told.len()).map_or(Amount::ZERO, Amount::from);
        rest.is_zero() || is_cut && !rest.is_negative() && rest < most
    };
    let told_agree = by_component
        .iter()
        .all(|(component, told)| is_told(own.get(component).copied().unwrap_or_default(), told));
    let nothing_else =
        own.iter().all(|(component, sum)| sum.is_zero() || by_component.contains_key(component));
    told_agree && nothing_else
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(offering: u128, component: &str, usage: &str) -> Told {
        Told {
            offering_uuid: Uuid::from_u128(offering),
            component_type: component.into(),
            year: 2026,
            month: 10,
            usage: usage.parse().unwrap(),
        }
    }

    fn holds(told: &[(u128, &str, &str)], sums: &[(&str, &str)]) -> bool {
        let told = told.iter().map(|(offering, component, usage)| row(*offering, component, usage));
        let sums = sums.iter().map(|(component, sum)| ((*component).to_owned(), sum.parse().unwrap()));
        agree(told, &sums.collect::<Vec<_>>())
    }

    #[test]
    fn sums_agree_to_the_cent() {
        let told = [(1, "cpu", "1.50"), (2, "cpu", "2.25"), (1, "ram", "0.00")];
        assert!(holds(&told, &[("cpu", "3.75")]));
        assert!(!holds(&told, &[("cpu", "3.76")]));
        assert!(!holds(&told, &[("cpu", "3.75"), ("gpu", "0.01")]));
        assert!(!holds(&told, &[]));
        assert!(holds(&[], &[]));
    }

    #[test]
    fn a_row_for_each_group_of_an_offering_counts_once() {
        assert!(holds(&[(1, "cpu", "1.50"), (1, "cpu", "1.50")], &[("cpu", "1.50")]));
    }

    #[test]
    fn sums_without_cents_are_less_by_less_than_one_a_row() {
        let told = [(1, "cpu", "1"), (2, "cpu", "2")];
        assert!(holds(&told, &[("cpu", "3.00")]) && holds(&told, &[("cpu", "4.99")]));
        assert!(!holds(&told, &[("cpu", "5.00")]) && !holds(&told, &[("cpu", "2.99")]));
    }
}
