//! What licensed programs link.
//!
//! [`Client`] activates this machine, verifies it, beats, and gives its seat back; [`Session`] does all of that by itself
//! over a program's whole life; [`Store::check_offline`] says without any network whether this machine may run. All fail
//! closed: an answer whose signature does not hold, or a lease that was not made for this machine, is an error and never
//! a yes. Nothing here needs an async runtime: each call blocks its thread for as long as the server takes, at most 30
//! seconds, so a program that has one calls from a thread of its own.
//!
//! A complete licensed program:
//!
//! ```no_run
//! use licet_client::{Client, Fingerprint, Session, Status, Store, Usage};
//!
//! # fn main() -> Result<(), licet_client::Error> {
//! let store = Store::open("/var/lib/studio/licet.json")?;
//! let machine = Fingerprint::of_this_machine()?;
//! let client = Client::new("http://127.0.0.1:8080", "an API key with the scope client", store)?;
//!
//! // Starts, beats, survives a lost network inside its lease, refuses after it, and comes back.
//! let mut session = Session::new(client, "LIC-…", machine, Some("1.4.2"));
//! match session.tick() {
//!     Status::Licensed { license, online } => {
//!         println!("licensed until {}, online: {online}", license.expires_at);
//!     }
//!     Status::Refused { code, detail } => {
//!         eprintln!("{detail} ({code})");
//!         return Ok(());
//!     }
//! }
//!
//! // From now on on a thread of its own, with what the program uses:
//! let background = session.spawn(|status| println!("{status:?}"));
//! background.report(&Usage::default().feature("export").meter("pages", 12));
//! # Ok(())
//! # }
//! ```

mod answer;
mod background;
mod client;
mod error;
mod file;
mod fingerprint;
mod keys;
mod lease;
mod offline;
mod platform;
mod schedule;
mod server_clock;
mod session;
mod state;
mod store;
mod transport;
mod usage;

pub use answer::{Exchange, verify_answer};
pub use background::Background;
pub use client::{Client, request_file};
pub use error::Error;
pub use file::read_lease;
pub use fingerprint::Fingerprint;
pub use keys::PinnedKeys;
pub use lease::{Licensed, OfflineLease};
pub use schedule::Schedule;
pub use session::{Session, Status};
pub use state::{PendingUsage, State};
pub use store::Store;
pub use usage::Usage;
