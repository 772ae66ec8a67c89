//! Measures, side by side in one run, and prints ratios: `./dev bench [names]`.
//!
//! Every figure is the median of five interleaved rounds on a private Postgres with fsync, `full_page_writes` and
//! `synchronous_commit` on, with chains and projectors running.
#![expect(clippy::print_stdout, reason = "this is a command")]

mod appends;
mod backup;
mod bare;
mod commands;
mod fleet;
mod growth;
mod http;
mod lists;
mod load;
mod logins;
mod replay;
mod revocation;
mod rooms;
mod setup;
mod upkeep;
mod watched;

use clap::Parser;

/// Measures and prints ratios.
#[derive(Parser)]
struct Options {
    /// What to measure; everything by default.
    #[arg(value_parser = ["commands", "appends", "replay", "lists", "http", "growth", "fleet", "revocation", "rooms", "logins", "watched", "upkeep", "backup"])]
    names: Vec<String>,
    /// Seconds that each round takes.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections over which the load comes in `http`.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Licenses for the replay and for the growth.
    #[arg(long, default_value_t = 100_000)]
    licenses: u32,
    /// Machines of the fleet.
    #[arg(long, default_value_t = 100_000)]
    machines: u32,
    /// Seconds between two beats of a machine; 90 makes 100,000 machines send what 1,000,000 send every 15 minutes.
    #[arg(long, default_value_t = 90)]
    interval: u64,
    /// Beats of the month that is archived.
    #[arg(long, default_value_t = 200_000)]
    beats: u32,
    /// Seconds for which the fleet is watched.
    #[arg(long, default_value_t = 120)]
    watch: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::var_os("LICET_BENCH_BARE").is_some() {
        return bare::serve().await;
    }
    let options = Options::parse();
    let wanted = |name: &str| options.names.is_empty() || options.names.iter().any(|wanted| wanted == name);
    let bench = setup::Bench::start(options.seconds)?;
    println!("{}", setup::machine());
    if wanted("commands") {
        commands::run(&bench).await?;
    }
    if wanted("appends") {
        appends::run(&bench).await?;
    }
    if wanted("replay") {
        replay::run(&bench, options.licenses).await?;
    }
    if wanted("lists") {
        lists::run(&bench, options.licenses).await?;
    }
    if wanted("rooms") {
        rooms::run(&bench, options.licenses).await?;
    }
    if wanted("watched") {
        watched::run(&bench).await?;
    }
    if wanted("logins") {
        logins::run(&bench).await?;
    }
    if wanted("http") {
        http::run(&bench, options.connections).await?;
    }
    if wanted("growth") {
        growth::run(&bench, options.licenses).await?;
    }
    if wanted("revocation") {
        revocation::run(&bench).await?;
    }
    if wanted("upkeep") {
        upkeep::run(&bench, options.beats).await?;
    }
    if wanted("backup") {
        backup::run(&bench, options.licenses).await?;
    }
    if wanted("fleet") {
        let seconds = std::time::Duration::from_secs;
        fleet::run(
            &bench,
            (options.machines, seconds(options.interval)),
            seconds(options.watch),
        )
        .await?;
    }
    Ok(())
}
