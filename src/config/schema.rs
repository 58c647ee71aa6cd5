//! The published schemas of the settings, and a walk of a file along one of them.
//!
//! They are the one list of what can be written: `config check` goes by them, and a test holds them against
//! the structs that are read. Only what they use is known here (types, choices, tables, limits); nothing that
//! a file says is repeated in a fault but the names of its keys, because a secret may stand where none belongs.

use std::sync::LazyLock;

use serde_json::Value;

use crate::domain::{Amount, nearest, visible};

use super::check::Fault;
use super::document::{Kind, Node};

/// A schema, and what to say of keys that it does not have.
pub(super) struct Schema {
    root: Value,
    elsewhere: &'static [Elsewhere],
}

/// Keys that do not belong into a file: which, why not, and what to do instead.
struct Elsewhere {
    keys: &'static [&'static str],
    why: &'static str,
    instead: &'static str,
}

/// The user's file.
pub(super) static USER: LazyLock<Schema> =
    LazyLock::new(|| Schema::of(include_str!("../../docs/schema/config.schema.json"), IN_USER_FILE));

/// The project file.
pub(super) static PROJECT: LazyLock<Schema> =
    LazyLock::new(|| Schema::of(include_str!("../../docs/schema/project.schema.json"), IN_PROJECT_FILE));

const IN_USER_FILE: &[Elsewhere] = &[
    Elsewhere {
        keys: &["token", "access_token", "api_token", "api_key"],
        why: "a token does not stand in config.toml",
        instead: "take it out; `waldur-usage auth login` keeps it, or name a file with token_file or a program with token_command",
    },
    Elsewhere {
        keys: &["password"],
        why: "a password does not stand in config.toml",
        instead: "take it out, and use password_env, password_file or password_command",
    },
    Elsewhere {
        keys: &["url"],
        why: "an address does not stand here",
        instead: "a server has its url in [servers.NAME]; a target has host, port, database and user, and its password apart",
    },
    Elsewhere {
        keys: &["guards"],
        why: "guards stand in the policy or with a server",
        instead: "write [policy.guards], or [servers.NAME.guards]",
    },
];

const IN_PROJECT_FILE: &[Elsewhere] = &[
    Elsewhere {
        keys: &["url", "api_url", "server", "servers", "address", "host", "insecure_http", "proxy"],
        why: "a project file names no address of a server",
        instead: "pick a server of your own config.toml by its name: profile = \"NAME\"",
    },
    Elsewhere {
        keys: &["token", "token_file", "token_command", "token_env", "access_token", "api_token", "api_key"],
        why: "a project file says nothing about tokens",
        instead: "`waldur-usage auth login` keeps one; token_file and token_command stand in your config.toml",
    },
    Elsewhere {
        keys: &[
            "password",
            "password_env",
            "password_file",
            "password_command",
            "secret",
            "secrets",
            "credentials",
        ],
        why: "a project file holds no secret and says of none where it is",
        instead: "say it in your own config.toml",
    },
    Elsewhere {
        keys: &["command", "commands", "program", "exec", "run", "shell", "script", "hook", "hooks"],
        why: "a project file names nothing that is run",
        instead: "what is run stands in your own config.toml",
    },
    Elsewhere {
        keys: &["watch", "webhook", "notify", "metrics_file"],
        why: "a project file does not say who is told",
        instead: "say it in your own config.toml",
    },
    Elsewhere {
        keys: &["targets", "target", "to", "out", "output", "outputs", "store", "report", "log"],
        why: "a project file names nothing that is written",
        instead: "name it with a flag, in a pipeline inside its folder, or in [targets] of your own config.toml",
    },
    Elsewhere { keys: &["guards"], why: "guards stand in the policy", instead: "write [policy.guards]" },
    Elsewhere {
        keys: &["tolerances", "tolerance"],
        why: "a tolerance lets differences pass, and a project file makes nothing looser",
        instead: "write it into [policy] of your own config.toml, or give --tolerance",
    },
    Elsewhere {
        keys: &["time_zone", "currency", "focus"],
        why: "that is a setting of a server",
        instead: "say it in [servers.NAME] of your own config.toml",
    },
];

impl Schema {
    fn of(text: &str, elsewhere: &'static [Elsewhere]) -> Self {
        // A schema of ours is JSON, as a test makes sure.
        Self { root: serde_json::from_str(text).unwrap_or_default(), elsewhere }
    }

    /// Everything in a file that the schema does not allow.
    pub fn judge(&self, tree: &Node) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.walk(tree, &self.root, &mut Vec::new(), &mut faults);
        faults.sort_by_key(|fault| fault.line);
        faults
    }

    fn walk(&self, node: &Node, schema: &Value, keys: &mut Vec<String>, faults: &mut Vec<Fault>) {
        let schema = self.resolved(schema);
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            let fits = |choice: &&Value| is_of(&node.kind, self.resolved(choice));
            match choices.iter().find(fits) {
                Some(choice) => self.walk(node, choice, keys, faults),
                None => faults.push(misfit(node, keys, "is of the wrong kind", &expected(schema))),
            }
            return;
        }
        if !is_of(&node.kind, schema) {
            faults.push(misfit(node, keys, &format!("must be {}", expected(schema)), "write it so"));
            return;
        }
        // A text is a number where it is one to the last digit; what it says may be anything.
        let wants_amount = schema.get("format").is_some_and(|format| format == "decimal");
        if wants_amount && serde_json::from_value::<Amount>(node.value()).is_err() {
            let what = "must be a decimal number";
            faults.push(misfit(node, keys, what, "write it as 12.5 or \"12.5\""));
            return;
        }
        match &node.kind {
            Kind::Text(text) => judge_text(node, text, schema, keys, faults),
            Kind::Integer(text) => judge_integer(node, text, schema, keys, faults),
            Kind::List(items) => {
                if let Some(of_items) = schema.get("items") {
                    for item in items {
                        self.walk(item, of_items, keys, faults);
                    }
                }
                if schema.get("minItems").is_some() && items.is_empty() {
                    faults.push(misfit(node, keys, "is empty", "write what belongs there, or take it out"));
                }
            }
            Kind::Table(table) => self.judge_table(node, table, schema, keys, faults),
            Kind::Decimal(_) | Kind::Flag(_) | Kind::Moment(_) => {}
        }
    }

    fn judge_table(
        &self,
        node: &Node,
        table: &[(String, Node)],
        schema: &Value,
        keys: &mut Vec<String>,
        faults: &mut Vec<Fault>,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for (key, value) in table {
            let of_key = known.and_then(|known| known.get(key));
            keys.push(key.clone());
            match of_key.or(others) {
                // What is there to be refused is no matter of other keys.
                Some(of_key) if of_key.is_object() => self.walk(value, of_key, keys, faults),
                _ => faults.push(self.unknown(key, value, keys, known)),
            }
            keys.pop();
        }
        for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let required = required.as_str().unwrap_or_default();
            if !table.iter().any(|(key, _)| key == required) {
                faults.push(misfit(node, keys, &format!("lacks {required}"), "add it"));
            }
        }
    }

    fn unknown(
        &self,
        key: &str,
        value: &Node,
        keys: &[String],
        known: Option<&serde_json::Map<String, Value>>,
    ) -> Fault {
        let names =
            || known.into_iter().flatten().filter(|(_, of)| of.is_object()).map(|(name, _)| name.as_str());
        let folded = key.to_ascii_lowercase().replace('-', "_");
        let elsewhere = self.elsewhere.iter().find(|elsewhere| elsewhere.keys.contains(&folded.as_str()));
        let (why, hint) = match (elsewhere, nearest(key, names())) {
            (Some(elsewhere), _) => (Some(elsewhere.why), elsewhere.instead.to_owned()),
            (None, Some(near)) => (None, format!("did you mean {near}?")),
            (None, None) => (None, format!("use one of {}", names().collect::<Vec<_>>().join(", "))),
        };
        let shown = visible(key);
        let what =
            why.map_or_else(|| format!("there is no key `{shown}`"), |why| format!("`{shown}`: {why}"));
        Fault { line: Some(value.line), key: dotted(keys), what, hint }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| self.root.pointer(reference.trim_start_matches('#')));
        target.unwrap_or(schema)
    }
}

/// Keys as a file would write them with dots.
pub(super) fn dotted(keys: &[String]) -> String {
    visible(&keys.join(".")).to_string()
}

fn misfit(node: &Node, keys: &[String], what: &str, hint: &str) -> Fault {
    let key = dotted(keys);
    let what = if key.is_empty() { what.to_owned() } else { format!("{key} {what}") };
    Fault { line: Some(node.line), key, what, hint: hint.to_owned() }
}

fn judge_text(node: &Node, text: &str, schema: &Value, keys: &[String], faults: &mut Vec<Fault>) {
    let Some(choices) = schema.get("enum").and_then(Value::as_array) else { return };
    let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    if !choices.contains(&text) {
        let hint = nearest(text, choices.iter().copied()).map_or_else(
            || format!("use one of {}", choices.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        faults.push(misfit(node, keys, &format!("must be one of {}", choices.join(", ")), &hint));
    }
}

fn judge_integer(node: &Node, text: &str, schema: &Value, keys: &[String], faults: &mut Vec<Fault>) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_i64);
    let value = text.replace('_', "").parse::<i64>().ok();
    let is_within = value.is_some_and(|value| {
        limit("minimum").is_none_or(|least| value >= least)
            && limit("maximum").is_none_or(|most| value <= most)
    });
    if (limit("minimum").is_some() || limit("maximum").is_some()) && !is_within {
        let least = limit("minimum").map_or_else(String::new, |least| format!(" from {least}"));
        let most = limit("maximum").map_or_else(String::new, |most| format!(" to {most}"));
        faults.push(misfit(node, keys, &format!("must be a number{least}{most}"), "correct it"));
    }
}

/// Whether a value is of a type that the schema allows.
fn is_of(kind: &Kind, schema: &Value) -> bool {
    let own: &[&str] = match kind {
        Kind::Text(_) => &["string"],
        Kind::Integer(_) => &["integer", "number"],
        Kind::Decimal(_) => &["number"],
        Kind::Flag(_) => &["boolean"],
        Kind::Moment(_) => &["moment"],
        Kind::List(_) => &["array"],
        Kind::Table(_) => &["object"],
    };
    match schema.get("type") {
        Some(Value::String(name)) => own.contains(&name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| own.contains(&name)),
        _ => true,
    }
}

/// What a schema wants, in words.
fn expected(schema: &Value) -> String {
    let word = |name: &str| match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    };
    match schema.get("type") {
        Some(Value::String(name)) => word(name).to_owned(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => schema.get("description").and_then(Value::as_str).unwrap_or("something else").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::config::guards::WrittenGuards;
    use crate::config::project::WrittenProject;
    use crate::config::target::WrittenTarget;
    use crate::config::{Config, Server, WrittenPolicy};
    use crate::warehouse::WrittenFocus;

    /// The keys that a struct knows, as it tells whoever writes another one.
    fn fields<T: DeserializeOwned>(table: &str) -> BTreeSet<String> {
        let error = toml::from_str::<T>(&format!("{table}\nno-such-key = 1")).err().unwrap();
        let (_, known) = error.message().split_once("expected").unwrap();
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn keys(schema: &Schema, pointer: &str) -> BTreeSet<String> {
        let properties = schema.root.pointer(&format!("{pointer}/properties"));
        properties.and_then(Value::as_object).unwrap().keys().cloned().collect()
    }

    #[test]
    fn the_schemas_have_the_keys_of_the_structs_and_no_others() {
        let user = |pointer| keys(&USER, pointer);
        assert_eq!(user(""), fields::<Config>(""));
        assert_eq!(user("/$defs/server"), fields::<Server>(""));
        assert_eq!(user("/$defs/guards"), fields::<WrittenGuards>(""));
        assert_eq!(user("/$defs/target"), fields::<WrittenTarget>(""));
        assert_eq!(user("/$defs/focus"), fields::<WrittenFocus>(""));
        assert_eq!(user("/$defs/other"), fields::<WrittenFocus>("[other]"));
        assert_eq!(keys(&PROJECT, ""), fields::<WrittenProject>(""));
        assert_eq!(keys(&PROJECT, "/properties/policy/properties/guards"), fields::<WrittenGuards>(""));
    }

    /// These structs take any key, or do not tell which they know.
    #[test]
    fn the_schemas_have_the_keys_of_policies_and_services() {
        let WrittenPolicy { guards: _, tolerances: _, severities: _ } = WrittenPolicy::default();
        let own = BTreeSet::from(["guards".to_owned(), "tolerances".to_owned()]);
        assert_eq!(keys(&USER, "/$defs/policy"), own);
        assert_eq!(keys(&PROJECT, "/properties/policy"), own);
        let severities = &USER.root["$defs"]["severity"]["enum"];
        assert_eq!(severities, &serde_json::json!(["allow", "warn", "deny"]));
        let service: Vec<String> =
            keys(&USER, "/$defs/service").iter().map(|key| format!("{key} = 'x'\n")).collect();
        let service = service.concat();
        assert!(toml::from_str::<WrittenFocus>(&format!("[services.a]\n{service}")).is_ok());
        assert!(toml::from_str::<WrittenFocus>(&format!("[services.a]\n{service}more = 'x'")).is_err());
    }

    #[test]
    fn every_key_is_explained() {
        fn walk(schema: &Value, path: &str, silent: &mut Vec<String>) {
            for (key, value) in schema.as_object().into_iter().flatten() {
                if key == "properties" {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        let is_told = property.get("description").is_some() || property.get("$ref").is_some();
                        let is_plain =
                            ["service", "other", "target"].iter().any(|table| path.contains(table));
                        if property.is_object() && !is_told && !is_plain {
                            silent.push(format!("{path}/{name}"));
                        }
                    }
                }
                walk(value, &format!("{path}/{key}"), silent);
            }
        }
        let mut silent = Vec::new();
        walk(&USER.root, "", &mut silent);
        assert!(silent.is_empty(), "{silent:?}");
    }
}
