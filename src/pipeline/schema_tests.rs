//! The published schema says what the reader takes: each key of the one is in the other.

use std::collections::BTreeSet;

use boon::{Compiler, Schemas};
use serde_json::Value;

use super::TEMPLATES;
use super::keys::{Kind, SECTIONS};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/schema/pipeline.schema.json")).unwrap()
}

#[test]
fn each_key_is_in_the_schema_and_in_the_reader() {
    let schema = schema();
    for section in SECTIONS {
        let parts = section.name.split('.').filter(|part| !part.is_empty());
        let table = parts.fold(&schema, |table, part| &table["properties"][part]);
        assert_eq!(table["additionalProperties"], false, "[{}]", section.name);
        let told: BTreeSet<&str> =
            table["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(told, section.names().collect(), "[{}]", section.name);
        let required = |table: &Value| -> BTreeSet<String> {
            let names = table["required"].as_array().cloned().unwrap_or_default();
            names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let own = section.keys.iter().filter(|key| key.required).map(|key| key.name.to_owned());
        assert_eq!(required(table), own.collect(), "[{}]", section.name);
        for key in section.keys {
            let told = &table["properties"][key.name];
            assert!(told["description"].is_string(), "{}", key.name);
            let takes_list = told["oneOf"][1]["type"] == "array";
            let is_list = matches!(
                key.kind,
                Kind::Plains | Kind::Texts | Kind::Inputs | Kind::Outputs(_) | Kind::Targets
            );
            assert_eq!(takes_list, is_list, "{}", key.name);
        }
    }
}

#[test]
fn what_the_schema_takes_is_a_pipeline_and_what_means_harm_is_not() {
    let mut compiler = Compiler::new();
    compiler.add_resource("pipeline", schema()).unwrap();
    let mut schemas = Schemas::new();
    let index = compiler.compile("pipeline", &mut schemas).unwrap();
    let takes = |text: &str| {
        let value: Value = toml::from_str(text).unwrap();
        schemas.validate(&value, index).map_err(|error| error.to_string())
    };
    for (name, text) in TEMPLATES {
        takes(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let head = "name = 'a'\nperiod = 'open'\n";
    takes(&format!("{head}[report]\nout = 'a/{{period}}.xlsx'")).unwrap();
    for wrong in [
        "",
        "[post]",
        "[report]\nout = '/etc/x.xlsx'",
        "[report]\nout = '../x.xlsx'",
        "[report]\nout = ['a/../../x.xlsx']",
        "[report]\nout = '~/x.xlsx'",
        "[report]\nurl = 'https://x'",
        "[report]\n[input]\nfiles = []",
        "[export]\nto = 'csv:../x'",
        "[export]\nto = 'csv:/x'",
        "[export]\nto = 'postgres://u:p@db'",
        "[export]\nto = 'postgres:u:p@db'",
        "[export]",
        "[checks]\nallow = ['spike']\n[report]\n[input]\nfiles = 'x'",
        "[input]\nfiles = 'x'\n[export]\nto = 'csv:x'",
        "token = 'x'\n[report]",
    ] {
        assert!(takes(&format!("{head}{wrong}")).is_err(), "{wrong}");
    }
}
