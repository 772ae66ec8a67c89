//! What licensed programs link.
//!
//! [`Client`] activates this machine, verifies it and gives its seat back; [`OfflineLease`] says without any network
//! whether this machine may run. Both fail closed: an answer whose signature does not hold, or a lease that was not
//! made for this machine, is an error and never a yes.
//!
//! ```no_run
//! use licet_client::{Client, Fingerprint, Store};
//!
//! # fn main() -> Result<(), licet_client::Error> {
//! let store = Store::open("/var/lib/studio/licet.json")?;
//! let machine = Fingerprint::of_this_machine()?;
//! let mut client = Client::new("http://127.0.0.1:8080", "an API key with the scope client", store)?;
//! client.activate("LIC-…", &machine, Some("1.4.2"))?;
//! // From now on, with or without a network:
//! let lease = client.store().check_offline(&machine, Some("1.4.2"), &["export"])?;
//! println!("licensed until {}", lease.expires_at);
//! # Ok(())
//! # }
//! ```

mod answer;
mod client;
mod error;
mod fingerprint;
mod lease;
mod store;

pub use answer::{Exchange, PinnedKeys, verify_answer};
pub use client::Client;
pub use error::Error;
pub use fingerprint::Fingerprint;
pub use lease::{Licensed, OfflineLease};
pub use store::{State, Store};
