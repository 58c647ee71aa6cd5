//! What the resources of the newest servers tell besides, by section 2.2 of the reference.

use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy::get_json;
use crate::rig::Rig;

#[test]
fn section_2_2_2026_resources_tell_components_and_slugs() {
    for (behaviour, is_told) in [
        (Behaviour::dialect_2024(), false),
        (Behaviour::dialect_2025(), false),
        (Behaviour::dialect_2026(), true),
    ] {
        let rig = Rig::on(Settings { behaviour: behaviour.clone(), ..Settings::new(World::built_in()) });
        let get = |path: &str| get_json(&format!("{}/api/{path}", rig.sandbox.url()), &rig.token("staff"));
        let resource = get("marketplace-provider-resources/?name_exact=benchmarks")[0].clone();
        for name in ["offering_components", "project_slug", "customer_slug"] {
            assert_eq!(resource.get(name).is_some(), is_told, "{behaviour} {name}");
        }
        if is_told {
            let offering = get(&format!(
                "marketplace-provider-offerings/{}/",
                resource["offering_uuid"].as_str().unwrap()
            ));
            assert_eq!(resource["offering_components"], offering["components"]);
            let projects = get("projects/?page_size=300");
            let own = projects.as_array().unwrap().iter().find(|it| it["uuid"] == resource["project_uuid"]);
            assert_eq!(resource["project_slug"], own.unwrap()["slug"]);
            assert!(resource["customer_slug"].as_str().is_some_and(|slug| !slug.is_empty()));
            let chosen = get("marketplace-provider-resources/?name_exact=benchmarks&field=project_slug");
            assert_eq!(chosen[0].as_object().unwrap().len(), 1);
        }
    }
}
