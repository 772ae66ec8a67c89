//! The `licet` command.

fn main() -> std::process::ExitCode {
    licet_api::cli::main()
}
