//! The user's crontab, in which one marked block is ours and not a byte of anything else.
//!
//! The block is edited as bytes, so that what others wrote stays as it is, whatever its encoding.

use std::path::PathBuf;
use std::time::Duration;

use crate::child::{Child, Said, find, words};
use crate::domain::visible;
use crate::error::Error;

use super::{Schedule, When};

const BEGIN: &str = "# >>> waldur-usage schedules, written by `waldur-usage schedule`; do not edit";
const END: &str = "# <<< waldur-usage schedules";
/// What the line above a line of ours begins with.
const NAME: &str = "# schedule ";
/// cron cuts longer lines off.
const LONGEST_LINE: usize = 990;
/// The largest crontab that is read.
const LARGEST: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);
const HINT: &str = "look at it with `crontab -l`, or use --due and call `waldur-usage run --due` yourself";

/// The crontab of this user.
#[derive(Debug, Clone)]
pub struct Crontab {
    program: PathBuf,
}

impl Crontab {
    /// Where there is one.
    pub fn find() -> Result<Self, Error> {
        let program = find("crontab");
        program.map(|program| Self { program }).ok_or_else(|| {
            Error::setting("there is no `crontab` on this machine", "install cron, or use --due")
        })
    }

    /// The line of a schedule, as it stands there.
    pub fn line_of(&self, schedule: &Schedule) -> Result<Option<String>, Error> {
        let block = Block::read(&self.read()?)?;
        Ok(block.line_of(&schedule.name()).map(|line| String::from_utf8_lossy(line).into_owned()))
    }

    /// Puts the line of a schedule in the place of the one before; says whether anything changed.
    pub fn put(&self, schedule: &Schedule, line: &str) -> Result<bool, Error> {
        self.change(|block| block.put(&schedule.name(), line))
    }

    /// Takes the line of a schedule away; says whether there was one.
    pub fn take(&self, schedule: &Schedule) -> Result<bool, Error> {
        self.change(|block| block.take(&schedule.name()))
    }

    fn change(&self, change: impl FnOnce(&mut Block)) -> Result<bool, Error> {
        let old = self.read()?;
        let mut block = Block::read(&old)?;
        change(&mut block);
        let new = block.write();
        if new == old {
            return Ok(false);
        }
        let said = self.run(&["-"], &new)?;
        if said.status.success() { Ok(true) } else { Err(self.failed(&said)) }
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        let said = self.run(&["-l"], &[])?;
        if said.is_cut {
            return Err(Error::setting("the crontab is too large to be edited", HINT));
        }
        // Only one that is said to be none is taken for an empty one.
        let is_none = String::from_utf8_lossy(&said.stderr).to_ascii_lowercase().contains("no crontab");
        if said.status.success() {
            Ok(said.stdout)
        } else if is_none {
            Ok(Vec::new())
        } else {
            Err(self.failed(&said))
        }
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Said, Error> {
        let program = self.program.to_string_lossy().into_owned();
        let command = words(["env", "LC_ALL=C", &program].into_iter().chain(arguments.iter().copied()));
        let said = Child { command: &command, input, patience: PATIENCE, limit: LARGEST }.run();
        said.map_err(|error| Error::setting(format!("crontab: {error}"), HINT))
    }

    fn failed(&self, said: &Said) -> Error {
        let why = said.last_words().unwrap_or_else(|| "it does not say why".to_owned());
        let program = self.program.to_string_lossy().into_owned();
        Error::setting(format!("{} failed: {}", visible(&program), visible(&why)), HINT)
    }
}

/// The line of a schedule.
pub fn line(schedule: &Schedule, when: &When) -> Result<String, Error> {
    let folders = schedule.folders.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = schedule.words().into_iter().map(quoted);
    let command = escaped(&folders.chain(words).collect::<Vec<_>>().join(" "));
    let line = format!("{} {command}", when.cron_fields()?);
    if line.len() > LONGEST_LINE {
        return Err(Error::setting("cron takes no line of that length", "use shorter paths"));
    }
    Ok(line)
}

/// A word for the shell in which nothing means anything but itself.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A command in which `%` is no end of it. What a backslash before a backslash or before `\%` comes to
/// differs from cron to cron, so that something has to stand between them: a word that ends and begins anew.
fn escaped(command: &str) -> String {
    let mut text = String::with_capacity(command.len());
    for character in command.chars() {
        if matches!(character, '%' | '\\') && text.ends_with('\\') {
            text.push_str("''");
        }
        if character == '%' {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A crontab, taken apart at our block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    before: Vec<u8>,
    lines: Vec<Vec<u8>>,
    after: Vec<u8>,
}

impl Block {
    fn read(crontab: &[u8]) -> Result<Self, Error> {
        let (mut before, mut lines, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let (mut begins, mut ends) = (0, 0);
        for line in crontab.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            match (text == BEGIN.as_bytes(), text == END.as_bytes()) {
                (true, _) => begins += 1,
                (_, true) => ends += 1,
                _ if begins == 0 => before.extend_from_slice(line),
                _ if ends == 0 => lines.push(text.to_vec()),
                _ => after.extend_from_slice(line),
            }
            if ends > begins {
                break;
            }
        }
        if begins != ends || begins > 1 {
            let what = "the marks around the lines of waldur-usage in the crontab do not match";
            return Err(Error::setting(
                what,
                "mend them with `crontab -e`: one begin, one end, in this order",
            ));
        }
        Ok(Self { before, lines, after })
    }

    fn write(&self) -> Vec<u8> {
        let mut text = self.before.clone();
        if !self.lines.is_empty() {
            if !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            let lines = self.lines.iter().map(Vec::as_slice);
            for line in std::iter::once(BEGIN.as_bytes()).chain(lines).chain([END.as_bytes()]) {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        text.extend_from_slice(&self.after);
        text
    }

    fn at(&self, name: &str) -> Option<usize> {
        let head = format!("{NAME}{name}");
        self.lines.iter().position(|line| line == head.as_bytes())
    }

    fn line_of(&self, name: &str) -> Option<&[u8]> {
        self.lines.get(self.at(name)? + 1).map(Vec::as_slice)
    }

    fn put(&mut self, name: &str, line: &str) {
        let lines = [format!("{NAME}{name}").into_bytes(), line.as_bytes().to_vec()];
        let at = self.at(name);
        let (first, last) = at.map_or((self.lines.len(), self.lines.len()), |at| (at, self.end(at)));
        self.lines.splice(first..last, lines);
    }

    fn take(&mut self, name: &str) {
        if let Some(at) = self.at(name) {
            let end = self.end(at);
            self.lines.drain(at..end);
        }
    }

    /// Behind the line of a schedule whose name stands at an index.
    fn end(&self, at: usize) -> usize {
        (at + 2).min(self.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::entry::schedule;

    const OTHERS: &[u8] = b"MAILTO=me@example.org\n# \xff no text\n*/5 * * * * /usr/bin/true % input\n";

    /// The command of a line as cron hands it to the shell. Some crons take `\\` for one backslash.
    fn command(line: &str, doubled_is_one: bool) -> String {
        let rest = line.splitn(6, ' ').last().unwrap();
        let (mut command, mut is_escaped) = (String::new(), false);
        for character in rest.chars() {
            if is_escaped {
                if character == '%' || doubled_is_one && character == '\\' {
                    command.pop();
                }
                is_escaped = false;
            } else if character == '\\' {
                is_escaped = true;
            } else {
                assert_ne!(character, '%', "cut off: {line}");
            }
            command.push(character);
        }
        command
    }

    #[test]
    fn the_shell_reads_every_path_as_it_is() {
        for path in [
            "/p/a.toml",
            "/p/with blanks/a b.toml",
            "/p/\"quoted\" 'and' \\back\\.toml",
            "/p/\\\\\\\\'\\\\\\'\\%\\\\",
            "/p/100%/%%/\\%\\\\%'%.toml",
            "/p/$HOME/${PATH}/`id`/$(id).toml",
            "/p/; rm -rf ~ && echo #.toml",
            "/p/~/äöü!.toml",
        ] {
            let mut schedule = schedule(path);
            schedule.folders.insert("XDG_CONFIG_HOME".into(), "/c $1 %".into());
            schedule.program = "printf".into();
            let line = line(&schedule, &schedule.when().unwrap()).unwrap();
            for doubled_is_one in [false, true] {
                let command = command(&line, doubled_is_one).replacen("printf run", "printf '[%s]' run", 1);
                let output = std::process::Command::new("sh").arg("-c").arg(&command).output().unwrap();
                let said = String::from_utf8(output.stdout).unwrap();
                assert_eq!(said, format!("[run][{path}][--no-input]"), "{line}");
            }
        }
    }

    #[test]
    fn the_lines_of_others_stay_byte_for_byte() {
        let mut block = Block::read(OTHERS).unwrap();
        assert_eq!(block.write(), OTHERS);
        block.put("a-1", "30 2 * * * a");
        block.put("b-2", "30 3 * * * b");
        let both = block.write();
        assert!(both.starts_with(OTHERS) && both.ends_with(format!("{END}\n").as_bytes()));
        // Written again it is the same, and a new line takes the place of the old one.
        let mut block = Block::read(&both).unwrap();
        block.put("a-1", "30 2 * * * a");
        assert_eq!(block.write(), both);
        block.put("a-1", "45 2 * * * a");
        assert_eq!(block.line_of("a-1"), Some(&b"45 2 * * * a"[..]));
        assert_eq!(block.line_of("b-2"), Some(&b"30 3 * * * b"[..]));
        // What stands behind the block is nobody's business either.
        let behind = [block.write(), b"0 0 * * * last".to_vec()].concat();
        let mut block = Block::read(&behind).unwrap();
        block.take("a-1");
        block.take("b-2");
        block.take("c-3");
        assert_eq!(block.write(), [OTHERS, b"0 0 * * * last"].concat());
    }

    #[test]
    fn a_block_that_is_not_whole_is_left_alone() {
        let block = format!("{BEGIN}\n{END}\n");
        for broken in [
            format!("{BEGIN}\n0 0 * * * x\n"),
            format!("{END}\n0 0 * * * x\n"),
            format!("{END}\n{BEGIN}\n"),
            format!("{block}{block}"),
        ] {
            assert!(Block::read(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_line_that_cron_would_cut_off_is_refused() {
        let schedule = schedule(&format!("/p/{}.toml", "x".repeat(1000)));
        assert!(line(&schedule, &schedule.when().unwrap()).unwrap_err().to_string().contains("length"));
    }
}
