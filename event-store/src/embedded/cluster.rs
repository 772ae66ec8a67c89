//! Making, starting, adopting and stopping the cluster.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    access::{self, Access, DATABASE, USER},
    binaries,
    owner::{self, Owner},
    recover::WORK,
};
use crate::Edge;

/// The cluster's folder within the data folder.
pub(super) const FOLDER: &str = "postgres";

/// How a cluster is run.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// Further settings, as `name=value`.
    pub settings: Vec<String>,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Postgres is not installed.
    #[error("PostgreSQL is not installed; `./dev up` installs it, or: apt-get install postgresql")]
    NotInstalled,
    /// The folder is out of reach for the user that Postgres runs as.
    #[error(
        "{folder} cannot be reached by the user {user}, as whom Postgres runs because it refuses root; \
             choose another, such as /var/lib/licet"
    )]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// A recovery was cut off: a new database in its place would hide that.
    #[error("a recovery into {} was cut off: give `licet backup recover` again, which begins it anew", .0.display())]
    Recovering(PathBuf),
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        cause: std::io::Error,
    },
    /// One of Postgres's programs failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which.
        program: String,
        /// What it said.
        output: String,
    },
}

/// A running cluster that this program uses. Dropping it stops the cluster when nobody else uses it.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    owner: Option<Owner>,
    password: String,
    port: u16,
    users: File,
    options: ClusterOptions,
}

impl Cluster {
    /// Starts the cluster under a data folder, makes it first if need be, or adopts the one that runs there.
    pub fn start(data_dir: &Path, options: &ClusterOptions, edge: &Edge) -> Result<Self, ClusterError> {
        let bin = binaries::find().ok_or(ClusterError::NotInstalled)?;
        make_reachable(data_dir).map_err(|cause| file_error(data_dir, cause))?;
        let data_dir = data_dir.canonicalize().map_err(|cause| file_error(data_dir, cause))?;
        let owner = owner::needed();
        access::expect_way(owner.as_ref(), &data_dir)?;
        let starting = lock_file(&data_dir.join("start.lock"))?;
        starting.lock().map_err(|cause| file_error(&data_dir, cause))?;
        let users = lock_file(&data_dir.join("users.lock"))?;
        users.lock_shared().map_err(|cause| file_error(&data_dir, cause))?;
        let password = password(&data_dir.join("postgres.password"), edge)?;
        let folder = data_dir.join(FOLDER);
        let mut cluster = Self {
            bin,
            folder,
            owner,
            password,
            port: 0,
            users,
            options: options.clone(),
        };
        if !cluster.folder.exists() {
            if data_dir.join(WORK).exists() {
                return Err(ClusterError::Recovering(data_dir));
            }
            cluster.make()?;
        }
        if !cluster.adopt() {
            cluster.launch(options)?;
        }
        cluster.wait_until_ready()?;
        cluster.make_database()?;
        cluster.know_letters()?;
        Ok(cluster)
    }

    /// Where to connect, password included.
    pub fn url(&self) -> String {
        self.access().url()
    }

    pub(super) fn access(&self) -> Access {
        Access {
            bin: self.bin.clone(),
            owner: self.owner.clone(),
            password: self.password.clone(),
            port: self.port,
        }
    }

    /// The folder with `psql` and its kin.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Whether PostgreSQL's programs are on this machine.
    pub fn can_start() -> bool {
        binaries::find().is_some()
    }

    /// Whether there is a cluster in a data folder, running or not.
    pub fn is_made(data_dir: &Path) -> bool {
        data_dir.join(FOLDER).join("PG_VERSION").exists()
    }

    /// The cluster's own folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn make(&self) -> Result<(), ClusterError> {
        // Made beside and renamed when it is whole: a kill during initdb leaves nothing that looks like a cluster.
        let made = self.folder.with_extension("new");
        if made.exists() {
            std::fs::remove_dir_all(&made).map_err(|cause| file_error(&made, cause))?;
        }
        std::fs::create_dir(&made).map_err(|cause| file_error(&made, cause))?;
        // Whatever the umask: Postgres asks for 0700, and its own user has to get in.
        let private = Permissions::from_mode(0o700);
        std::fs::set_permissions(&made, private).map_err(|cause| file_error(&made, cause))?;
        let password_file = self.folder.with_extension("initdb");
        write_secret(&password_file, &self.password)?;
        if let Some(owner) = &self.owner {
            owner.take(&made).map_err(|cause| file_error(&made, cause))?;
            owner
                .take(&password_file)
                .map_err(|cause| file_error(&password_file, cause))?;
        }
        let done = self.run(
            Command::new(self.bin.join("initdb"))
                .args([
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-instructions",
                    "-U",
                    USER,
                ])
                .args(letters().map(|known| format!("--lc-ctype={known}")))
                .arg("--pwfile")
                .arg(&password_file)
                .arg("-D")
                .arg(&made),
        );
        std::fs::remove_file(&password_file).map_err(|cause| file_error(&password_file, cause))?;
        done?;
        std::fs::rename(&made, &self.folder).map_err(|cause| file_error(&self.folder, cause))
    }

    /// Starts the cluster again where it has died: killed, or out of memory or of room. `false` where it runs.
    pub fn revive(&mut self) -> Result<bool, ClusterError> {
        if self.answers() {
            return Ok(false);
        }
        let options = self.options.clone();
        let port = self.port;
        if self.adopt() && self.answers() {
            return Ok(false);
        }
        self.launch_at(&options, port)?;
        self.wait_until_ready()?;
        Ok(true)
    }

    /// Whether something listens where the cluster should.
    fn answers(&self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    }

    /// Finds a cluster that runs already, this program's or another's that was killed.
    fn adopt(&mut self) -> bool {
        self.discard_stale_pid();
        let running = self
            .run(Command::new(self.bin.join("pg_ctl")).args(["status", "-D", FOLDER]))
            .is_ok();
        let lines = std::fs::read_to_string(self.folder.join("postmaster.pid")).unwrap_or_default();
        match lines.lines().nth(3).and_then(|port| port.trim().parse().ok()) {
            Some(port) if running => {
                self.port = port;
                true
            }
            _ => false,
        }
    }

    /// Starts the cluster where programs that use it will look for it again.
    fn launch_at(&mut self, options: &ClusterOptions, port: u16) -> Result<(), ClusterError> {
        self.port = port;
        self.discard_stale_pid();
        self.start_once(options)
    }

    /// The file that names the running server outlives a kill, and the number in it may be another process by now, in a
    /// fresh container even one of this program's own threads.
    fn discard_stale_pid(&self) {
        let path = self.folder.join("postmaster.pid");
        let named = std::fs::read_to_string(&path).ok();
        let pid = named
            .as_deref()
            .and_then(|text| text.lines().next()?.trim().parse::<u32>().ok());
        let Some(pid) = pid else { return };
        let is_postgres = match std::fs::read_link(format!("/proc/{pid}/exe")) {
            // An upgrade of the package leaves ` (deleted)` behind the name.
            Ok(program) => program
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("postgres")),
            // What cannot be looked at may be one.
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        if !is_postgres && std::fs::remove_file(&path).is_ok() {
            tracing::info!(pid, "removed the mark of a Postgres that is gone");
        }
    }

    fn start_once(&self, options: &ClusterOptions) -> Result<(), ClusterError> {
        let mut settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
            self.port
        );
        for setting in &options.settings {
            settings.push_str(" -c ");
            settings.push_str(setting);
        }
        self.run(
            Command::new(self.bin.join("pg_ctl"))
                .args(["start", "-w", "-t", "120", "-o", &settings])
                .args(["-l", &format!("{FOLDER}/server.log"), "-D", FOLDER]),
        )
    }

    fn launch(&mut self, options: &ClusterOptions) -> Result<(), ClusterError> {
        self.discard_stale_pid();
        let mut last = None;
        // A port that is free now can be taken a moment later: then another is tried.
        for _ in 0..5 {
            self.port = free_port().map_err(|cause| file_error(&self.folder, cause))?;
            match self.start_once(options) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(ClusterError::Program { program, .. }) => ClusterError::Program {
                program,
                output: self.last_words(),
            },
            Some(error) => error,
            None => ClusterError::NotInstalled,
        })
    }

    /// One that was adopted may still be recovering from the kill that orphaned it. One that reads a copied log takes as long
    /// as that takes, unless it ends.
    fn wait_until_ready(&self) -> Result<(), ClusterError> {
        let port = self.port.to_string();
        let ask = || self.run(Command::new(self.bin.join("pg_isready")).args(["-h", "127.0.0.1", "-p", &port]));
        for round in 1.. {
            let reads_a_copy = self.folder.join("recovery.signal").exists();
            match ask() {
                Ok(()) => return Ok(()),
                Err(error) if round > 600 && !reads_a_copy => return Err(error),
                Err(_) if reads_a_copy && round % 10 == 0 => self.expect_running()?,
                Err(_) => {}
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        ask()
    }

    fn expect_running(&self) -> Result<(), ClusterError> {
        let asked = self.run(Command::new(self.bin.join("pg_ctl")).args(["status", "-D", FOLDER]));
        asked.map_err(|error| match error {
            ClusterError::Program { .. } => ClusterError::Program {
                program: "postgres".to_owned(),
                output: self.last_words(),
            },
            other => other,
        })
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let said = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(5).collect();
        tail.join(" | ")
    }

    fn make_database(&self) -> Result<(), ClusterError> {
        let port = self.port.to_string();
        let mut command = Command::new(self.bin.join("createdb"));
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            USER,
            "-w",
            "--maintenance-db=postgres",
            DATABASE,
        ]);
        match self.run(command.env("PGPASSWORD", &self.password)) {
            Err(ClusterError::Program { output, .. }) if output.contains("already exists") => Ok(()),
            result => result,
        }
    }

    /// A cluster that was made to know no letters but ASCII's learns them: `lower` and text search then do as they do on
    /// other databases. The order of texts stays that of their bytes, so no index changes.
    fn know_letters(&self) -> Result<(), ClusterError> {
        let Some(letters) = letters() else { return Ok(()) };
        let statement =
            format!("UPDATE pg_database SET datctype = '{letters}' WHERE datctype = 'C' AND datname = '{DATABASE}'");
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args(["-h", "127.0.0.1", "-U", USER, "-w", "-d", "postgres", "-X", "-q"])
            .args(["-p", &self.port.to_string(), "-c", &statement]);
        self.run(command.env("PGPASSWORD", &self.password))
    }

    fn run(&self, command: &mut Command) -> Result<(), ClusterError> {
        let program = command.get_program().to_string_lossy().into_owned();
        if let Some(owner) = &self.owner {
            owner.applied_to(command);
        }
        // pg_ctl's child keeps what it inherits: only files, so that nobody waits for a pipe to close.
        let said = tempfile(&self.folder).map_err(|cause| file_error(&self.folder, cause))?;
        let (out, err) = (said.try_clone(), said.try_clone());
        let (out, err) = out
            .and_then(|out| Ok((out, err?)))
            .map_err(|cause| file_error(&self.folder, cause))?;
        access::ignore_settings(command);
        // `pg_ctl` hands its arguments to a shell: names are given from within the data folder, whatever that is called.
        let status = command
            .current_dir(self.folder.parent().unwrap_or(Path::new("/")))
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .stdout(out)
            .stderr(err)
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(ClusterError::Program {
                program,
                output: contents(said),
            }),
            Err(cause) => Err(ClusterError::Program {
                program,
                output: cause.to_string(),
            }),
        }
    }

    /// Stops it, and waits for so many seconds until it has.
    pub(super) fn stop(&self, seconds: &str) -> Result<(), ClusterError> {
        self.run(Command::new(self.bin.join("pg_ctl")).args(["stop", "-m", "fast", "-w", "-t", seconds, "-D", FOLDER]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whoever else uses the cluster holds the shared lock, and will stop it in turn.
        let last = self.users.unlock().is_ok() && self.users.try_lock().is_ok();
        if last && let Err(error) = self.stop("3") {
            tracing::warn!(%error, "the private Postgres did not stop; the next start adopts it");
        }
    }
}

/// The system's locale that knows every script's letters and sorts by code point, where it has one.
fn letters() -> Option<&'static str> {
    let output = Command::new("locale").arg("-a").output().ok()?;
    let known = String::from_utf8_lossy(&output.stdout).to_lowercase();
    let has = known.lines().any(|name| matches!(name.trim(), "c.utf8" | "c.utf-8"));
    has.then_some("C.UTF-8")
}

/// Makes a folder, and what of its path is missing, so that the cluster's user gets through it, whatever the umask. What
/// lies in it says itself who may read it.
pub(super) fn make_reachable(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    std::fs::create_dir_all(folder)?;
    for made in missing {
        std::fs::set_permissions(made, Permissions::from_mode(0o711))?;
    }
    Ok(())
}

fn file_error(path: &Path, cause: std::io::Error) -> ClusterError {
    ClusterError::File {
        path: path.to_owned(),
        cause,
    }
}

fn lock_file(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|cause| file_error(path, cause))
}

/// An unnamed file for what a program prints.
fn tempfile(folder: &Path) -> std::io::Result<File> {
    let path = folder.with_extension("output");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn contents(mut file: File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if read.is_ok() {
        text.trim().to_owned()
    } else {
        String::new()
    }
}

fn password(path: &Path, edge: &Edge) -> Result<String, ClusterError> {
    match std::fs::read_to_string(path) {
        Ok(password) if !password.is_empty() => Ok(password),
        Ok(_) | Err(_) => {
            let password: String = hex::encode(edge.bytes::<24>());
            write_secret(path, &password)?;
            Ok(password)
        }
    }
}

pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), ClusterError> {
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|cause| file_error(path, cause))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
