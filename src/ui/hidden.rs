//! A terminal that does not show what is typed, for as long as a secret is typed.

use std::io;

/// Nothing that is typed is shown while there is one; dropped, also by Ctrl-C, the terminal is as before.
pub struct Hidden {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Hidden {
    /// Hides what is typed from now on.
    pub fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that whatever is said next has a line of its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }

    /// Reads a line.
    pub fn read_line() -> io::Result<String> {
        use std::io::{BufRead, Read};

        /// More than any secret has.
        const LONGEST: u64 = 64 * 1024;
        let mut line = String::new();
        io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        Ok(line)
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};

        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(windows)]
impl Hidden {
    /// Nothing to do: the line is read key by key.
    pub fn begin() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Reads a line.
    pub fn read_line() -> io::Result<String> {
        console::Term::stderr().read_secure_line()
    }
}

#[cfg(not(any(unix, windows)))]
impl Hidden {
    /// Refused: here it would be shown.
    pub fn begin() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Refused.
    pub fn read_line() -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
