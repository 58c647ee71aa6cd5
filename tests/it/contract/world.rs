//! The whole recorded world: the file, with its rule `scale` turned into resources and usages.

use std::fs;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

const TYPES: [&str; 3] = ["cpu", "ram", "gpu_hours"];

/// Reads a world and applies its rule.
pub fn whole(path: &Path) -> Value {
    let mut world: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let scale = world.as_object_mut().unwrap().remove("scale").unwrap();
    let now: Timestamp = world["now"].as_str().unwrap().parse().unwrap();
    let first = now.to_zoned(TimeZone::UTC).date().first_of_month();
    for number in 0..scale["resources"].as_u64().unwrap() {
        let (resource, usages) = resource(&scale, first, number);
        world["resources"].as_array_mut().unwrap().push(resource);
        world["usages"].as_array_mut().unwrap().extend(usages);
    }
    world
}

fn resource(scale: &Value, first: Date, number: u64) -> (Value, Vec<Value>) {
    let namespace: Uuid = scale["namespace"].as_str().unwrap().parse().unwrap();
    let id = |name: String| Uuid::new_v5(&namespace, name.as_bytes()).as_simple().to_string();
    let (own, period) = (id(format!("resource:s{number}")), id(format!("pp:s{number}")));
    let mut usages = Vec::new();
    for back in [3, 2, 1] {
        let month = months_back(first, back).to_string();
        let minutes = i64::try_from(1 + number % 600).unwrap();
        let date = midnight(months_back(first, back - 1)) - SignedDuration::from_mins(minutes);
        for (place, kind) in (0..).zip(TYPES) {
            let hundredths = number % 997 * 100 + 37 * place;
            usages.push(json!({
                "uuid": id(format!("cu:s{number}-{month}-{kind}")), "resource_uuid": own, "type": kind,
                "usage": format!("{}.{:02}", hundredths / 100, hundredths % 100), "billing_period": month,
                "date": date, "created": scale["created"], "plan_period_uuid": period, "description": "",
                "recurring": false, "modified_by": null,
            }));
        }
    }
    let resource = json!({
        "uuid": own, "name": format!("scale-{number:05}"), "slug": format!("scale-{number:05}"),
        "backend_id": format!("scale_{number:05}"), "effective_id": "", "state": "OK",
        "offering_uuid": scale["offering_uuid"], "plan_uuid": scale["plan_uuid"],
        "project_uuid": scale["project_uuid"], "limits": {}, "current_usages": {},
        "created": scale["created"],
        "plan_periods": [{
            "uuid": period, "plan_uuid": scale["plan_uuid"],
            "start": midnight(months_back(first, 4)), "end": null,
        }],
    });
    (resource, usages)
}

fn months_back(first: Date, count: i64) -> Date {
    first.checked_sub(Span::new().months(count)).unwrap()
}

fn midnight(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC).unwrap().timestamp()
}
