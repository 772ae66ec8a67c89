//! The `licet` command.

// Requests come and go in pieces of a few kilobytes, which the system's allocator is slow with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    licet_api::cli::main()
}
