//! The cluster and its databases.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    sync::atomic::{AtomicU32, Ordering},
};

use licet_event_store::{
    Edge, EventLog, LogOptions, LogTasks,
    embedded::{Cluster, ClusterOptions},
    schema,
};
use sqlx::{Connection as _, PgConnection};

struct Running {
    cluster: Cluster,
    /// Reads from a pipe whose other end closes with this process, and then ends the cluster.
    _watchdog: Child,
}

static RUNNING: OnceLock<Running> = OnceLock::new();
static TEMPLATE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
static COUNTER: AtomicU32 = AtomicU32::new(0);

fn running() -> &'static Running {
    RUNNING.get_or_init(|| {
        // Processes of several containers may have one number, and one folder for what is temporary.
        let folder = tempfile::Builder::new().prefix("licet-test-").tempdir();
        // The watchdog removes it.
        let folder = folder.expect("a temporary folder can be made").keep();
        // Tests kill processes, never the machine: what the kernel has is safe.
        let settings = ["fsync=off", "full_page_writes=off", "max_connections=300"]
            .map(str::to_owned)
            .to_vec();
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let options = ClusterOptions { settings };
        let cluster = Cluster::start(&folder, &options, &Edge::system()).expect("Postgres starts");
        let watchdog = Command::new("setsid")
            .args([
                "sh",
                "-c",
                r#"cat >/dev/null; kill -QUIT "$1"; sleep 1; rm -rf "$2""#,
                "watchdog",
            ])
            .arg(postmaster(cluster.folder().join("postmaster.pid")).to_string())
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        Running {
            cluster,
            _watchdog: watchdog,
        }
    })
}

fn postmaster(file: PathBuf) -> u32 {
    let text = std::fs::read_to_string(file).expect("a running cluster has a pid file");
    text.lines()
        .next()
        .and_then(|line| line.trim().parse().ok())
        .expect("the pid stands in its first line")
}

/// The cluster's first process.
pub fn cluster_pid() -> u32 {
    postmaster(running().cluster.folder().join("postmaster.pid"))
}

/// A migrated database of one's own.
pub struct TestDatabase {
    /// Where to connect.
    pub url: String,
}

impl TestDatabase {
    /// Copies the migrated template.
    pub async fn new() -> Self {
        TEMPLATE
            .get_or_init(|| async {
                execute(&at("postgres"), "CREATE DATABASE licet_template").await;
                schema::migrate(&at("licet_template"))
                    .await
                    .expect("the migrations run");
            })
            .await;
        Self::copy_of("licet_template").await
    }

    /// One that has nothing in it, as a restore begins in.
    pub async fn empty() -> Self {
        Self::copy_of("template0").await
    }

    /// A copy as it stands, as a backup would restore it; nobody may be connected.
    pub async fn copy(&self) -> Self {
        let (_, name) = self.url.rsplit_once('/').expect("the address ends in a name");
        Self::copy_of(name).await
    }

    /// Puts another database in this one's place, under its name and address, as a failover that loses events does.
    pub async fn replace_with(self, other: Self) -> Self {
        let name = |database: &Self| database.url.rsplit_once('/').map(|(_, name)| name.to_owned());
        let (own, others) = (
            name(&self).expect("it has a name"),
            name(&other).expect("it has a name"),
        );
        let renaming = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{own}', '{others}');
             ALTER DATABASE {own} RENAME TO {own}_before; ALTER DATABASE {others} RENAME TO {own}"
        );
        for _ in 0..1_000 {
            // Who was thrown out comes back at once.
            if try_execute(&at("postgres"), &renaming).await.is_ok() {
                return self;
            }
        }
        panic!("{own} is never left alone")
    }

    async fn copy_of(template: &str) -> Self {
        let name = format!("test_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template}");
        for _ in 0..100 {
            // Another test copies it at this moment, or a server that was killed is connected still.
            let copied = try_execute(&at("postgres"), &copy).await;
            if copied.is_ok() {
                return Self { url: at(&name) };
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{template} could not be copied");
    }

    /// Opens the log in it.
    pub async fn log(&self) -> (EventLog, LogTasks) {
        EventLog::open(&self.url, &LogOptions::default())
            .await
            .expect("the log opens")
    }

    /// Runs statements, as someone with psql would.
    pub async fn execute(&self, statements: &str) {
        execute(&self.url, statements).await;
    }

    /// Asks for one text.
    pub async fn text(&self, query: &str) -> String {
        let mut connection = PgConnection::connect(&self.url).await.expect("the database answers");
        sqlx::query_scalar(query)
            .fetch_one(&mut connection)
            .await
            .expect("the query answers a text")
    }
}

/// The address of a database in the tests' cluster.
fn at(name: &str) -> String {
    let base = running().cluster.url();
    let (server, _) = base.rsplit_once('/').expect("the address ends in a name");
    format!("{server}/{name}")
}

async fn try_execute(url: &str, statements: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(statements).execute(&mut connection).await?;
    connection.close().await
}

async fn execute(url: &str, statements: &str) {
    try_execute(url, statements).await.expect("the statements run");
}
