//! Making, starting, adopting and stopping the cluster.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    binaries,
    owner::{self, Owner},
};
use crate::Edge;

const USER: &str = "licet";
const DATABASE: &str = "licet";

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
             choose another with --data-dir, such as /var/lib/licet"
    )]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
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
}

impl Cluster {
    /// Starts the cluster under a data folder, makes it first if need be, or adopts the one that runs there.
    pub fn start(data_dir: &Path, options: &ClusterOptions, edge: &Edge) -> Result<Self, ClusterError> {
        let bin = binaries::find().ok_or(ClusterError::NotInstalled)?;
        std::fs::create_dir_all(data_dir).map_err(|cause| file_error(data_dir, cause))?;
        let data_dir = data_dir.canonicalize().map_err(|cause| file_error(data_dir, cause))?;
        let owner = owner::needed();
        if let Some(owner) = owner.as_ref().filter(|owner| !owner.can_enter(&data_dir)) {
            return Err(ClusterError::Unreachable {
                folder: data_dir,
                user: owner.name.clone(),
            });
        }
        let starting = lock_file(&data_dir.join("start.lock"))?;
        starting.lock().map_err(|cause| file_error(&data_dir, cause))?;
        let users = lock_file(&data_dir.join("users.lock"))?;
        users.lock_shared().map_err(|cause| file_error(&data_dir, cause))?;
        let password = password(&data_dir.join("postgres.password"), edge)?;
        let folder = data_dir.join("postgres");
        let mut cluster = Self {
            bin,
            folder,
            owner,
            password,
            port: 0,
            users,
        };
        if !cluster.folder.exists() {
            cluster.make()?;
        }
        if !cluster.adopt() {
            cluster.launch(options)?;
        }
        cluster.wait_until_ready()?;
        cluster.make_database()?;
        Ok(cluster)
    }

    /// Where to connect, password included.
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{DATABASE}", self.password, self.port)
    }

    /// The folder with `psql` and its kin.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Whether there is a cluster in a data folder, running or not.
    pub fn is_made(data_dir: &Path) -> bool {
        data_dir.join("postgres").join("PG_VERSION").exists()
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
                .arg("--pwfile")
                .arg(&password_file)
                .arg("-D")
                .arg(&made),
        );
        std::fs::remove_file(&password_file).map_err(|cause| file_error(&password_file, cause))?;
        done?;
        std::fs::rename(&made, &self.folder).map_err(|cause| file_error(&self.folder, cause))
    }

    /// Finds a cluster that runs already, this program's or another's that was killed.
    fn adopt(&mut self) -> bool {
        let running = self
            .run(
                Command::new(self.bin.join("pg_ctl"))
                    .arg("status")
                    .arg("-D")
                    .arg(&self.folder),
            )
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

    fn launch(&mut self, options: &ClusterOptions) -> Result<(), ClusterError> {
        let log = self.folder.join("server.log");
        let mut last = None;
        // A port that is free now can be taken a moment later: then another is tried.
        for _ in 0..5 {
            self.port = free_port().map_err(|cause| file_error(&self.folder, cause))?;
            let mut settings = format!(
                "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
                self.port
            );
            for setting in &options.settings {
                settings.push_str(" -c ");
                settings.push_str(setting);
            }
            let started = self.run(
                Command::new(self.bin.join("pg_ctl"))
                    .args(["start", "-w", "-t", "120", "-o", &settings])
                    .arg("-l")
                    .arg(&log)
                    .arg("-D")
                    .arg(&self.folder),
            );
            match started {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(5).collect();
        Err(match last {
            Some(ClusterError::Program { program, .. }) => ClusterError::Program {
                program,
                output: tail.join(" | "),
            },
            Some(error) => error,
            None => ClusterError::NotInstalled,
        })
    }

    /// One that was adopted may still be recovering from the kill that orphaned it.
    fn wait_until_ready(&self) -> Result<(), ClusterError> {
        let port = self.port.to_string();
        let ask = || self.run(Command::new(self.bin.join("pg_isready")).args(["-h", "127.0.0.1", "-p", &port]));
        for _ in 0..600 {
            if ask().is_ok() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        ask()
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
        let status = command
            .current_dir("/")
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

    fn stop(&self) -> Result<(), ClusterError> {
        self.run(
            Command::new(self.bin.join("pg_ctl"))
                .args(["stop", "-m", "fast", "-w"])
                .arg("-D")
                .arg(&self.folder),
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whoever else uses the cluster holds the shared lock, and will stop it in turn.
        let last = self.users.unlock().is_ok() && self.users.try_lock().is_ok();
        if last && let Err(error) = self.stop() {
            tracing::warn!(%error, "the private Postgres did not stop; the next start adopts it");
        }
    }
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
            let password: String = edge.bytes::<24>().iter().map(|byte| format!("{byte:02x}")).collect();
            write_secret(path, &password)?;
            Ok(password)
        }
    }
}

fn write_secret(path: &Path, text: &str) -> Result<(), ClusterError> {
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
