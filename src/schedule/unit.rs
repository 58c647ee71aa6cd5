//! The units of a schedule: a service and the timer that starts it, as systemd reads them.
//!
//! There is no token in them and nothing else that is secret. What keeps the service in bounds are the
//! settings that a user's own manager may make; those that need a namespace of mounts it may not.

use std::fmt::Write;

use crate::domain::visible;
use crate::error::Error;

use super::{Schedule, When};

/// The first line of what is ours.
pub const MARK: &str =
    "# Written by `waldur-usage schedule install`; `waldur-usage schedule remove` takes it away.";

/// What the name of a unit begins with.
const BEGINNING: &str = "waldur-usage-";

/// The name of a unit of a schedule, with its ending.
pub fn name(schedule: &Schedule, ending: &str) -> String {
    format!("{BEGINNING}{}.{ending}", schedule.name())
}

/// The service.
pub fn service(schedule: &Schedule) -> Result<String, Error> {
    let (program, arguments) = (&schedule.program, &schedule.words()[1..]);
    // systemd takes no such program, however it is quoted.
    if program.contains(['"', '\'', '\\']) {
        let what = format!(
            "systemd starts no program with a quote or a backslash in its path: {}",
            visible(program)
        );
        return Err(Error::setting(what, "put waldur-usage elsewhere, or use --cron or --due"));
    }
    // A dollar sign in the path of the program is one; in an argument it begins a variable.
    let words = arguments.iter().map(|argument| quoted(&argument.replace('$', "$$")));
    let command = std::iter::once(quoted(program)).chain(words).collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "{MARK}\n\n[Unit]\nDescription=waldur-usage: {name}\n\n[Service]\nType=oneshot\nExecStart={command}\n",
        name = schedule.name()
    );
    for (variable, value) in &schedule.folders {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Environment={}", quoted(&format!("{variable}={value}")));
    }
    text.push_str(
        "TimeoutStartSec=6h\n\
         NoNewPrivileges=yes\n\
         LockPersonality=yes\n\
         RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         SystemCallArchitectures=native\n\
         SystemCallFilter=@system-service\n",
    );
    Ok(text)
}

/// The timer.
pub fn timer(schedule: &Schedule, when: &When) -> String {
    let calendars: Vec<String> =
        when.calendars().iter().map(|calendar| format!("OnCalendar={calendar}\n")).collect();
    let calendars = calendars.concat();
    format!(
        "{MARK}\n\n[Unit]\nDescription=waldur-usage: when {name} runs\n\n[Timer]\n{calendars}\
         Persistent=true\nRandomizedDelaySec=5min\nFixedRandomDelay=true\nAccuracySec=1min\n\n\
         [Install]\nWantedBy=timers.target\n",
        name = schedule.name()
    )
}

/// A word of a unit, in which nothing means anything but itself.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::entry::schedule;

    /// The words of a line as `systemd.service(5)` says that they are read.
    fn read(line: &str) -> Vec<String> {
        let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => is_quoted = !is_quoted,
                '\\' => word.extend(characters.next()),
                ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
                _ => word.push(character),
            }
        }
        assert!(!is_quoted, "{line}");
        words.push(word);
        let is_specifier = |word: &String| word.replace("%%", "").contains('%');
        assert!(!words.iter().any(is_specifier), "{line}");
        let words = words.iter().map(|word| word.replace("%%", "%"));
        words.enumerate().map(|(at, word)| if at == 0 { word } else { variables(&word) }).collect()
    }

    fn variables(word: &str) -> String {
        assert!(!word.replace("$$", "").contains('$'), "{word}");
        word.replace("$$", "$")
    }

    #[test]
    fn every_path_is_read_as_it_is() {
        for path in [
            "/p/a.toml",
            "/p/with blanks/a b.toml",
            "/p/\"quoted\" 'and' \\back\\.toml",
            "/p/%h/%%/100%.toml",
            "/p/$HOME/${PATH}/$$.toml",
            "/p/; rm -rf ~ && echo #.toml",
            "/p/äöü.toml",
            "/p/\\",
        ] {
            let mut schedule = schedule(path);
            schedule.program = "/opt/100% of $HOME/waldur-usage".into();
            schedule.store = Some("/s/%t \"$1\"".into());
            let text = service(&schedule).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
            assert_eq!(read(line), schedule.words(), "{line}");
        }
    }

    #[test]
    fn a_program_that_systemd_cannot_start_is_refused() {
        for program in ["/opt/\"x\"", "/opt/it's", "/opt/a\\b"] {
            let schedule = Schedule { program: program.into(), ..schedule("/p/a.toml") };
            assert!(service(&schedule).unwrap_err().to_string().contains("systemd starts no program"));
        }
    }

    #[test]
    fn units_catch_up_and_hold_the_folders_alone() {
        let mut schedule = schedule("/p/a.toml");
        schedule.folders.insert("XDG_CONFIG_HOME".into(), "/c d/%".into());
        schedule.at = "0 6 13 * fri".into();
        let service = service(&schedule).unwrap();
        assert!(service.contains("\nEnvironment=\"XDG_CONFIG_HOME=/c d/%%\"\n"), "{service}");
        assert!(!service.contains("--yes"), "{service}");
        let timer = timer(&schedule, &schedule.when().unwrap());
        assert!(
            timer.contains("\nOnCalendar=*-*-13 06:00:00\nOnCalendar=fri *-*-* 06:00:00\nPersistent=true\n")
        );
        assert!(timer.contains("\nRandomizedDelaySec=5min\n"), "{timer}");
        for text in [&service, &timer] {
            assert!(text.starts_with(MARK), "{text}");
        }
    }
}
