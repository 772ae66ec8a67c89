//! `licet serve`

use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use futures::future::BoxFuture;
use ipnet::IpNet;
use licet_event_store::{Edge, EventLog, LogOptions, embedded::Cluster, schema, supervise};
use licet_projections::RunnerSettings;
use licet_workers::{Endpoints, Worker, backup::BackupSettings};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    Location,
    archive::RetentionOptions,
    backup::ScheduleOptions,
    database, demo,
    mail::MailOptions,
    nats::NatsOptions,
    output,
    sign_in::{SignInOptions, offer_setup},
    systemd,
    wal::WalOptions,
};
use crate::{App, Role, Settings, connections, limits, limits::Rate, observe, router, secrets, settings::Watched};

/// How long requests that are running may take once the server ends, then what runs in the background, then the last
/// appends: whoever sent SIGTERM waits for eight seconds at most.
const REQUESTS_END: Duration = Duration::from_secs(3);
const BACKGROUND_ENDS: Duration = Duration::from_secs(2);
const LOG_ENDS: Duration = Duration::from_secs(1);
const TRACES_END: Duration = Duration::from_millis(500);
/// After so long nothing is waited for any more.
const END: Duration = Duration::from_millis(7_500);

#[derive(clap::Args)]
pub(super) struct Options {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// What this process does.
    #[arg(long, value_delimiter = ',', default_value = "client,admin,worker")]
    roles: Vec<Role>,
    /// Proxies whose X-Forwarded-For is believed: addresses and networks such as 10.0.0.0/8, with commas between them.
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "NETWORKS", value_parser = networks, default_value = "")]
    trusted_proxies: Networks,
    /// Whether /metrics answers.
    #[arg(long, env = "MONITORING_ENABLED", default_value_t = true, action = clap::ArgAction::Set)]
    monitoring: bool,
    /// How often one license or activation may ask from one address.
    #[arg(long, env = "API_RATE_LIMIT", default_value = "100 per minute", value_name = "RATE")]
    api_rate_limit: Rate,
    #[command(flatten)]
    sign_in: SignInOptions,
    /// Megabytes of licenses with their machines that are kept in memory, about 850 machines in each.
    #[arg(long, env = "LICENSE_CACHE_MB", default_value_t = 512, value_name = "MB", value_parser = clap::value_parser!(u64).range(8..=1_000_000))]
    license_cache_mb: u64,
    /// Connections to the database for what machines ask and operators change.
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value_t = 12, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=500))]
    database_connections: u32,
    /// Connections to the database for lists and reports.
    #[arg(long, env = "REPORT_CONNECTIONS", default_value_t = 4, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=500))]
    report_connections: u32,
    /// Whether webhooks may go to targets inside private networks.
    #[arg(long, env = "WEBHOOK_ALLOW_PRIVATE", default_value_t = false, action = clap::ArgAction::Set)]
    webhook_allow_private: bool,
    #[command(flatten)]
    nats: NatsOptions,
    #[command(flatten)]
    mail: MailOptions,
    #[command(flatten)]
    retention: RetentionOptions,
    #[command(flatten)]
    backups: ScheduleOptions,
    #[command(flatten)]
    wal: WalOptions,
    #[command(flatten)]
    traces: observe::traces::TraceOptions,
}

/// For who looks a server's settings over.
impl Options {
    /// How many connections to the database the two pools open at most.
    pub(super) fn connections(&self) -> u32 {
        self.database_connections + self.report_connections
    }

    pub(super) fn backups(&self) -> &ScheduleOptions {
        &self.backups
    }

    pub(super) fn nats_servers(&self) -> Vec<String> {
        self.nats.servers()
    }

    pub(super) fn smtp_url(&self) -> Option<&str> {
        self.mail.server()
    }

    /// Where browsers find the server.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.sign_in.public_url()
    }
}

/// Networks with commas between them. Where nothing stands between two commas, as `${A:-},${B:-}` may write it, nothing is meant.
#[derive(Debug, Clone)]
struct Networks(Vec<IpNet>);

fn networks(text: &str) -> Result<Networks, String> {
    let named = text.split(',').filter(|text| !text.trim().is_empty());
    named.map(network).collect::<Result<_, _>>().map(Networks)
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let alone = || {
        text.parse::<IpAddr>()
            .map(|address| IpNet::from(address.to_canonical()))
    };
    let network = text.parse::<IpNet>().or_else(|_| alone());
    network.map_err(|_| format!("{text:?} is no address and no network such as 10.0.0.0/8"))
}

pub(super) async fn run(location: Location, options: Options) -> anyhow::Result<ExitCode> {
    log_to_stderr();
    let ending = end_by_signal()?;
    let edge = Edge::system();
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("listening on {}", options.listen))?;
    options.wal.check(&location)?;
    let database = database::open(&location, &edge)?;
    let secrets = secrets::read(database::kept_in(&location, &edge))?;
    schema::migrate(&database.url).await.context("migrating the database")?;
    let (registry, meters) = observe::start()?;
    let traces = observe::traces::start(&options.traces)?;
    let log_options = LogOptions {
        archive: location.archive(),
        connections: options.database_connections,
        report_connections: options.report_connections,
        ..LogOptions::default()
    };
    let (log, log_tasks) = EventLog::open(&database.url, &log_options)
        .await
        .context("opening the log")?;
    let backups = options.backups.settings(&location, &secrets.secret_key)?;
    let watched = watched(&options, backups.as_ref());
    let settings = Settings {
        secret_key: secrets.secret_key,
        jwt_secret: secrets.jwt_secret,
        api_key: secrets.api_key,
        roles: options.roles.clone(),
        trusted_proxies: options.trusted_proxies.0,
        monitoring: options.monitoring,
        api_rate_limit: options.api_rate_limit,
        sign_in: options.sign_in.into(),
        license_cache: options.license_cache_mb << 20,
        webhook_allow_private: options.webhook_allow_private,
        watched,
        backups: backups.clone(),
    };
    let app = App::new(log.clone(), edge.clone(), settings, registry, ending.clone()).await?;
    demo::offer(app.platform(), &location).await?;
    offer_setup(&app, &location).await?;
    let mut background = JoinSet::new();
    let (ended_cluster, mut clusters) = mpsc::channel(1);
    let node = app.node;
    let worker = Worker {
        platform: app.platform().clone(),
        reader: app.reader.clone(),
        node,
        ending: ending.clone(),
    };
    if options.roles.contains(&Role::Worker) {
        let runner = RunnerSettings {
            log: log.clone(),
            reader: app.reader.clone(),
            node,
            ending: ending.clone(),
        };
        background.spawn(licet_projections::run(runner));
        let outside = Endpoints {
            sender: app.sender.clone(),
            mail: options.mail.settings(),
            retention: options.retention.into(),
            backups: backups.and_then(|settings| settings.schedule.map(|schedule| (settings, schedule))),
        };
        licet_workers::spawn_all(&worker, &app.keyring, &outside, &mut background)?;
    }
    if let Some(nats) = options.nats.settings() {
        let publishes = options.roles.contains(&Role::Worker);
        licet_workers::spawn_relay(&worker, &nats, publishes, &mut background).await?;
    }
    let mut database = database;
    if let Some(cluster) = database.cluster.take() {
        options.wal.begin(&cluster, &edge, ending.clone(), &mut background)?;
        background.spawn(keep_cluster(cluster, ending.clone(), ended_cluster));
    }
    begin_upkeep(&app, &mut background);
    let address = listener.local_addr()?;
    output::line(&format!("listening on http://{address}"));
    systemd::tell(address, ending.clone());
    end_for_certain(ending.clone());
    end_at_fork(log.clone());
    connections::serve(listener, router(app), ending, REQUESTS_END).await;
    // Workers hear of the end, finish what they do and give their leases back; then the last appends are written.
    let finished = tokio::time::timeout(BACKGROUND_ENDS, async {
        while background.join_next().await.is_some() {}
    })
    .await;
    if finished.is_err() {
        tracing::warn!("a background task did not end in time");
        background.abort_all();
    }
    drop((worker, log));
    if tokio::time::timeout(LOG_ENDS, log_tasks.finish()).await.is_err() {
        tracing::warn!("the appender did not end in time");
    }
    let _ = meters.shutdown();
    // Whoever kept the cluster alive hands it back, and with it it stops.
    drop(clusters.try_recv());
    // The last spans, if the collector takes them at once.
    traces.map(|traces| traces.shutdown_with_timeout(TRACES_END));
    Ok(ExitCode::SUCCESS)
}

/// Whose work monitoring is told of: what this node takes part in.
fn watched(options: &Options, backups: Option<&BackupSettings>) -> Watched {
    let works = options.roles.contains(&Role::Worker);
    let asked = [(options.mail.is_set(), "mail"), (options.nats.is_set(), "relay")];
    let asked = asked.into_iter().filter_map(|(asked, name)| asked.then_some(name));
    Watched {
        consumers: licet_workers::CONSUMERS
            .into_iter()
            .chain(asked)
            .filter(|_| works)
            .collect(),
        retention: options.retention.into(),
        wal: options.wal.watched(),
        backups: backups.filter(|_| works).map_or_else(Vec::new, BackupSettings::runs),
    }
}

fn log_to_stderr() {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into()),
        )
        .init();
}

/// What a node does for itself, whatever its roles.
fn begin_upkeep(app: &App, background: &mut JoinSet<()>) {
    let mut begin = |name: &'static str, task: fn(App) -> BoxFuture<'static, ()>| {
        let (app, ending) = (app.clone(), app.ending.clone());
        background.spawn(async move { supervise(name, ending, || task(app.clone())).await });
    };
    begin("last-used", |app| Box::pin(app.note_usage()));
    begin("refusals", |app| Box::pin(app.record_repetitions()));
    begin("signing-keys", |app| Box::pin(app.follow_keys()));
    begin("rate-limits", |app| Box::pin(limits::share(app)));
}

/// Looks once a second whether the private Postgres is there, and starts it again where it is not; hands it back at the
/// end.
async fn keep_cluster(mut cluster: Cluster, mut ending: watch::Receiver<bool>, back: mpsc::Sender<Cluster>) {
    while tokio::time::timeout(Duration::from_secs(1), ending.wait_for(|ending| *ending))
        .await
        .is_err()
    {
        let looked_at = tokio::task::spawn_blocking(move || {
            let revived = cluster.revive();
            (cluster, revived)
        });
        let Ok((same, revived)) = looked_at.await else { return };
        cluster = same;
        match revived {
            Ok(false) => {}
            Ok(true) => tracing::warn!("the private Postgres had died; it was started again"),
            Err(error) => tracing::error!(%error, "the private Postgres has died and does not start; trying again"),
        }
    }
    let _ = back.send(cluster).await;
}

/// Ends the process once its time is over, whatever it waits for; what was acknowledged is durable.
fn end_for_certain(mut ending: watch::Receiver<bool>) {
    tokio::spawn(async move {
        if ending.wait_for(|ending| *ending).await.is_ok() {
            tokio::time::sleep(END).await;
            tracing::warn!("something did not end in time; ending without it");
            std::process::exit(0);
        }
    });
}

/// Ends the process at once where the log lacks what this node has heard of: begun anew, it remembers nothing wrong.
fn end_at_fork(log: EventLog) {
    tokio::spawn(async move {
        log.forked().await;
        tracing::error!(
            "the log lacks an event that this node has heard of, as after a restore or a failover that lost events; ending, \
             because what is remembered may be wrong: start again (docs/RUNBOOK.md, ConsumerStopped)"
        );
        std::process::exit(1);
    });
}

/// Tells when the server is to end. It is heard of from the first moment on: who is ended while it starts ends in order
/// once it has started.
fn end_by_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (sender, ending) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // A terminal that is closed ends the server in order too, and with it the private Postgres.
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        tracing::info!("ending: no new connections, running requests finish");
        sender.send_replace(true);
    });
    Ok(ending)
}
