//! The private cluster, its databases, and what is put into them.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::Context as _;
use licet_commands::{
    CacheSizes, Context, Platform,
    customer::NewCustomer,
    license::NewLicenses,
    policy::{NewPolicy, TermsChanges},
    product::NewProduct,
};
use licet_domain::Resource as _;
use licet_event_store::{
    Edge, EventLog, LogOptions, Tenant,
    embedded::{Cluster, ClusterOptions},
    schema,
    vault::Vault,
};
use sqlx::{Connection as _, PgConnection};

pub(crate) const SECRET: &str = "5c1f0e7a9b3d4c2e8f6a1b0d9e7c5a3f";
pub(crate) const API_KEY: &str = "0f2a-bootstrap-key-of-the-bench";

/// A cluster with the settings that a server has.
pub(crate) struct Bench {
    cluster: Option<Cluster>,
    folder: PathBuf,
    pub(crate) round: Duration,
}

impl Bench {
    pub(crate) fn start(seconds: f64) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("licet-bench-{}", std::process::id()));
        let options = ClusterOptions {
            settings: vec!["max_wal_size=4GB".to_owned()],
        };
        let cluster = Cluster::start(&folder, &options, &Edge::system())?;
        Ok(Self {
            cluster: Some(cluster),
            folder,
            round: Duration::from_secs_f64(seconds),
        })
    }

    /// The process that started the others of Postgres.
    pub(crate) fn postmaster(&self) -> anyhow::Result<u32> {
        let cluster = self.cluster.as_ref().context("the cluster runs")?;
        let file = std::fs::read_to_string(cluster.folder().join("postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().parse()?)
    }

    /// PostgreSQL's own programs.
    pub(crate) fn postgres_program(&self, name: &str) -> anyhow::Result<Command> {
        let cluster = self.cluster.as_ref().context("the cluster runs")?;
        Ok(Command::new(cluster.bin().join(name)))
    }

    /// A fresh, migrated database.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<String> {
        let url = self.empty_database(name).await?;
        schema::migrate(&url).await?;
        Ok(url)
    }

    /// A database with nothing in it.
    pub(crate) async fn empty_database(&self, name: &str) -> anyhow::Result<String> {
        let url = self.cluster.as_ref().context("the cluster runs")?.url();
        let at = |name: &str| format!("{}/{name}", url.rsplit_once('/').map_or("", |parts| parts.0));
        let mut connection = PgConnection::connect(&at("postgres")).await?;
        sqlx::raw_sql(&format!("CREATE DATABASE bench_{name}"))
            .execute(&mut connection)
            .await?;
        Ok(at(&format!("bench_{name}")))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.cluster.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A platform over a database of its own.
pub(crate) async fn platform(url: &str) -> anyhow::Result<Arc<Platform>> {
    let (log, _tasks) = EventLog::open(url, &LogOptions::default()).await?;
    let edge = Edge::system();
    let vault = Vault::new(log.pool().clone(), SECRET, edge.clone());
    Ok(Platform::new(log, vault, edge, CacheSizes::default()))
}

pub(crate) fn context(platform: &Platform) -> Context {
    Context::system("bench", Tenant::default(), platform.edge.now(), platform.edge.id())
}

/// A product and a policy with so many seats, and licenses under it; answers their keys.
pub(crate) async fn licenses(platform: &Platform, code: &str, seats: i64, count: u32) -> anyhow::Result<Vec<String>> {
    let product = NewProduct {
        code: code.to_owned(),
        name: code.to_owned(),
        version_scheme: None,
    };
    platform
        .create_product(&context(platform), product, &|_| String::new())
        .await?;
    let terms = TermsChanges {
        seats: Some(seats),
        ..TermsChanges::default()
    };
    let policy = NewPolicy {
        code: code.to_owned(),
        product: code.to_owned(),
        terms,
    };
    platform
        .create_policy(&context(platform), policy, &|_| String::new())
        .await?;
    let customer = NewCustomer {
        name: "Bench".to_owned(),
        email: "bench@example.com".to_owned(),
        company: None,
    };
    let customer = platform
        .create_customer(&context(platform), customer, &|_| String::new())
        .await?;
    let mut keys = Vec::with_capacity(count as usize);
    while keys.len() < count as usize {
        let some = (count as usize - keys.len()).min(1_000);
        let order = NewLicenses {
            customer_id: customer.value.customer.id().unwrap_or_default().to_string(),
            policy: code.to_owned(),
            count: Some(some as i64),
            ..NewLicenses::default()
        };
        let issued = platform
            .issue_licenses(&context(platform), order, &|_| String::new())
            .await?;
        keys.extend(issued.value.iter().map(|one| one.key.to_string()));
    }
    Ok(keys)
}

/// What this was measured on.
pub(crate) fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("machine: {} with {cores} cores", model.unwrap_or("unknown"))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn spread(values: &[f64]) -> String {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    format!("{low:.0} to {high:.0}")
}

/// A line of the report: what, ours, theirs, the ratio and the aim.
pub(crate) fn report(what: &str, ours: &[f64], theirs: &[f64], aim: f64) {
    let (own, other) = (median(ours.to_vec()), median(theirs.to_vec()));
    println!(
        "{what}: {own:.0}/s ({}) against {other:.0}/s ({}): ratio {:.2}, aim {aim}",
        spread(ours),
        spread(theirs),
        own / other
    );
}
