//! The time zone of this machine, in which cron and systemd read a clock.

use std::path::Path;

use jiff::tz::TimeZone;

/// Where the zone of a machine is told.
const LOCAL: &str = "/etc/localtime";

/// The zone of `TZ`, or else of the machine; UTC where neither tells one.
pub fn local() -> TimeZone {
    let named = std::env::var("TZ").ok().filter(|name| !name.is_empty());
    named.as_deref().map_or_else(|| of_machine(Path::new(LOCAL)), named_zone).unwrap_or(TimeZone::UTC)
}

/// A zone as `TZ` names it.
fn named_zone(name: &str) -> Option<TimeZone> {
    let name = name.trim_start_matches(':');
    let rule = || TimeZone::posix(name).ok();
    if name.starts_with('/') { of_machine(Path::new(name)) } else { TimeZone::get(name).ok().or_else(rule) }
}

fn of_machine(path: &Path) -> Option<TimeZone> {
    let real = path.canonicalize().ok()?;
    let text = real.to_str()?;
    let by_name = text.split_once("zoneinfo/").and_then(|(_, name)| TimeZone::get(name).ok());
    by_name.or_else(|| TimeZone::tzif("Local", &std::fs::read(&real).ok()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_name_by_rule_and_by_file() {
        let offset = |zone: Option<TimeZone>| {
            let summer = "2026-07-01T00:00:00Z".parse().unwrap();
            zone.map(|zone| zone.to_offset(summer).seconds())
        };
        assert_eq!(offset(named_zone("Europe/Tallinn")), Some(3 * 3600));
        assert_eq!(offset(named_zone(":Europe/Tallinn")), Some(3 * 3600));
        assert_eq!(offset(named_zone("EET-2EEST,M3.5.0/3,M10.5.0/4")), Some(3 * 3600));
        assert_eq!(offset(named_zone("/usr/share/zoneinfo/no-such-place")), None);
        assert_eq!(offset(named_zone("Nowhere/At All")), None);
        let file = Path::new("/usr/share/zoneinfo/Europe/Tallinn");
        if file.is_file() {
            assert_eq!(offset(of_machine(file)), Some(3 * 3600));
            let folder = tempfile::tempdir().unwrap();
            let copy = folder.path().join("localtime");
            std::fs::copy(file, &copy).unwrap();
            assert_eq!(offset(of_machine(&copy)), Some(3 * 3600));
        }
    }
}
