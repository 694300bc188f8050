//! The program: parse, dispatch, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use latentlink::cli::{Cli, execute};

fn main() -> ExitCode {
    // Unwrapped: a command or a path in a help text must stay in one piece to be copied.
    let one_line_each = miette::MietteHandlerOpts::new().wrap_lines(false).break_words(false);
    miette::set_hook(Box::new(move |_| Box::new(one_line_each.clone().build())))
        .expect("nothing has printed an error yet");
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            // Where nobody reads stderr any more, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "{:?}", miette::Report::new(error));
            ExitCode::from(code)
        }
    }
}
