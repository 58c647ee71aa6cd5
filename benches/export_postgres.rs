//! A month that was read already, to a database: prints the seconds that it took. See `export_postgres.py`.
#![expect(clippy::print_stdout, reason = "the seconds are all that it says")]

use std::error::Error;

const USAGE: &str = "usage: export_postgres ROWS SOCKET-FOLDER PORT DATABASE USER";

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [rows, socket, port, database, user] = arguments.as_slice() else { return Err(USAGE.into()) };
    let took = waldur_usage::measure_postgres(rows.parse()?, socket.into(), port.parse()?, database, user)?;
    println!("{:.3}", took.as_secs_f64());
    Ok(())
}
