//! `--shape focus`: the months of a source, told in the words of FOCUS 1.2.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::BillingPeriod;
use crate::error::Error;
use crate::warehouse::{FOCUS_INPUTS, FocusInputs, FocusSettings, Proof, Schema, Scope, Table, charges};

use super::source::{Extract, MonthSource};

/// A source of charges over a source of the server's own tables.
pub struct FocusMonths {
    inner: Box<dyn MonthSource>,
    settings: FocusSettings,
}

impl FocusMonths {
    /// What there is to export.
    pub const TABLES: [Table; 1] = [Table::Charges];

    /// Tells what comes from a source. Where its months are filtered, the settings have to say so.
    pub fn new(inner: Box<dyn MonthSource>, settings: FocusSettings) -> Self {
        Self { inner, settings }
    }

    async fn charges(&mut self, period: BillingPeriod) -> Result<Extract, Error> {
        let inputs = FOCUS_INPUTS.map(|table| Arc::new(Schema::new(table, &[])));
        let extracts = self.inner.month(period, &inputs).await?;
        let read: [Extract; FOCUS_INPUTS.len()] = extracts.try_into().map_err(|_| {
            Error::Bug("a source of months gave another number of tables than it was asked for".into())
        })?;
        let [usages, invoices, invoice_items, resources, components, offerings] = read;
        let deployment = self.inner.deployment();
        let slice = charges(&FocusInputs {
            settings: &self.settings,
            deployment: &deployment,
            period,
            usages: &usages.slice,
            invoices: &invoices.slice,
            invoice_items: &invoice_items.slice,
            resources: &resources.slice,
            components: &components.slice,
            offerings: &offerings.slice,
        })?;
        // Charges are made of usages and of lines; these are what the server counted.
        let counted = usages.proof.counted + invoice_items.proof.counted;
        Ok(Extract { slice, proof: Proof { counted, statistics: usages.proof.statistics } })
    }
}

impl MonthSource for FocusMonths {
    fn deployment(&self) -> String {
        self.inner.deployment()
    }

    fn scope(&self, asked: Scope) -> Scope {
        self.inner.scope(asked)
    }

    fn roles(&self) -> BTreeSet<String> {
        self.inner.roles()
    }

    /// None: FOCUS says what columns there are, and a field that the server adds is not among them.
    fn unknown_fields(&mut self, _table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>> {
        async { Ok(BTreeSet::new()) }.boxed()
    }

    fn closed(&mut self, period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.inner.closed(period)
    }

    fn month<'a>(
        &'a mut self,
        period: BillingPeriod,
        schemas: &'a [Arc<Schema>],
    ) -> BoxFuture<'a, Result<Vec<Extract>, Error>> {
        async move {
            if let Some(other) = schemas.iter().find(|schema| schema.table() != Table::Charges) {
                return Err(Error::Bug(format!("{} is no table of FOCUS", other.table())));
            }
            match schemas.len() {
                0 => Ok(Vec::new()),
                _ => Ok(vec![self.charges(period).await?]),
            }
        }
        .boxed()
    }

    fn told(&mut self) -> Vec<String> {
        self.inner.told()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::warehouse::{Cells, Slice, WrittenFocus, cell_text};

    /// A server with one usage, and nothing else that happened.
    struct OneUsage;

    impl OneUsage {
        fn slice(schema: &Arc<Schema>, period: BillingPeriod) -> Slice {
            let mut cells = Cells::new(schema);
            if matches!(schema.table(), Table::Usages | Table::Resources) {
                let text = |name: &str| match name {
                    "uuid" if schema.table() == Table::Usages => Some("u1"),
                    "uuid" | "resource_uuid" => Some("a1"),
                    "billing_period" => Some("2026-10-01"),
                    "usage" => Some("2.50"),
                    "component_type" => Some("cpu"),
                    "state" => Some("OK"),
                    "deployment" => Some("https://waldur.example.com"),
                    "offering_uuid" => Some("f1"),
                    "project_uuid" => Some("b1"),
                    "customer_uuid" => Some("c1"),
                    "offering_name" | "project_name" | "customer_name" => Some("Name"),
                    _ => None,
                };
                cells.push(schema.columns().iter().map(|column| text(&column.name).map(Into::into))).unwrap();
            }
            Slice::new(Arc::clone(schema), period, &cells.finish().unwrap()).unwrap()
        }
    }

    impl MonthSource for OneUsage {
        fn deployment(&self) -> String {
            "https://waldur.example.com".to_owned()
        }

        fn unknown_fields(&mut self, _table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>> {
            async { Ok(BTreeSet::from(["new_field".to_owned()])) }.boxed()
        }

        fn closed(&mut self, _period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>> {
            async { Ok(Some("a hash".to_owned())) }.boxed()
        }

        fn month<'a>(
            &'a mut self,
            period: BillingPeriod,
            schemas: &'a [Arc<Schema>],
        ) -> BoxFuture<'a, Result<Vec<Extract>, Error>> {
            async move {
                let read = |schema| {
                    let slice = Self::slice(schema, period);
                    let proof = Proof { counted: slice.rows().num_rows(), statistics: Some(true) };
                    Extract { slice, proof }
                };
                Ok(schemas.iter().map(read).collect())
            }
            .boxed()
        }
    }

    fn months(written: &str) -> FocusMonths {
        let written: WrittenFocus = toml::from_str(written).unwrap();
        let settings = FocusSettings::new(written, Some("EUR".parse().unwrap()), TimeZone::UTC).unwrap();
        FocusMonths::new(Box::new(OneUsage), settings)
    }

    #[tokio::test]
    async fn a_source_of_tables_becomes_a_source_of_charges() {
        let mut months =
            months("without_invoices = true\ninvoice_issuer = 'X'\nprovider = 'Y'\nservices.f1 = 'Compute'");
        assert!(months.unknown_fields(Table::Charges).await.unwrap().is_empty());
        assert!(months.closed("2026-10".parse().unwrap()).await.unwrap().is_some());
        let schemas = FocusMonths::TABLES.map(|table| Arc::new(Schema::new(table, &[])));
        let extracts = months.month("2026-10".parse().unwrap(), &schemas).await.unwrap();
        let [Extract { slice, proof }] = extracts.try_into().unwrap();
        assert_eq!(proof, Proof { counted: 1, statistics: Some(true) });
        assert_eq!((slice.schema().table(), slice.rows().num_rows()), (Table::Charges, 1));
        let at = slice.schema().position("ConsumedQuantity").unwrap();
        let consumed = cell_text(&slice.schema().columns()[at], slice.rows().column(at).as_ref(), 0);
        assert_eq!(consumed.as_deref(), Some("2.5000000000"));
    }

    #[tokio::test]
    async fn what_is_missing_ends_the_run_as_a_setting_does() {
        let mut months = months("without_invoices = true\ninvoice_issuer = 'X'\nprovider = 'Y'");
        let schemas = FocusMonths::TABLES.map(|table| Arc::new(Schema::new(table, &[])));
        let error = months.month("2026-10".parse().unwrap(), &schemas).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "FOCUS needs what Waldur does not tell: the service category of Name (f1)"
        );
        assert_eq!(error.exit_status().code(), 2);
        assert!(error.hint().unwrap().ends_with(r#"services."Name" = "Compute""#), "{:?}", error.hint());
        let other = [Arc::new(Schema::new(Table::Usages, &[]))];
        assert!(matches!(months.month("2026-10".parse().unwrap(), &other).await, Err(Error::Bug(_))));
    }
}
