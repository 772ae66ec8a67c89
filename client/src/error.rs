//! Why a program is not licensed, or why that is not known.

/// Why a program is not licensed, or why that is not known. None of these is a reason to run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused; `code` is the contract's.
    #[error("{detail} ({code})")]
    Refused {
        /// For programs.
        code: String,
        /// For people.
        detail: String,
    },
    /// The license's policy has no such meter; the beat was not counted.
    #[error("the license has no meter {0} (METER_UNKNOWN)")]
    MeterUnknown(String),
    /// The server could not be reached.
    #[error("the license server could not be reached: {0}")]
    Network(String),
    /// The answer's signature does not hold: something between here and the server is not what it seems.
    #[error("the answer's signature does not hold: {0}")]
    Signature(&'static str),
    /// The answer is not what the contract says.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
    /// There is no lease on this machine.
    #[error("this machine has no lease yet; activate first")]
    NoLease,
    /// The lease is not one of the server's.
    #[error("the lease does not hold: {0}")]
    Lease(&'static str),
    /// The lease was made for another machine.
    #[error("the lease was made for another machine")]
    OtherMachine,
    /// The lease was called back: its license was revoked or suspended, or the machine's seat was ended.
    #[error("the lease was called back by the vendor; connect to the license server")]
    Revoked,
    /// The state file was changed by someone else, or cut off; [`Store::reset`](crate::Store::reset) begins anew.
    #[error("{path} was changed by someone else or is damaged; activate again")]
    Tampered {
        /// Which.
        path: String,
    },
    /// The lease has ended; the server must be reached again.
    #[error("the lease ended at {0}; connect to the license server to renew it")]
    LeaseEnded(String),
    /// The clock runs behind a moment that was seen already.
    #[error("the clock was set back: it shows {now}, but {seen} was seen already")]
    ClockSetBack {
        /// What the clock shows.
        now: String,
        /// The latest moment seen.
        seen: String,
    },
    /// The license does not allow it; `code` is that of the verify route.
    #[error("{detail} ({code})")]
    NotValid {
        /// For programs.
        code: &'static str,
        /// For people.
        detail: &'static str,
    },
    /// This machine hides what it is known by.
    #[error("{0}")]
    Hardware(String),
    /// The state file could not be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: String,
        /// What went wrong.
        cause: String,
    },
}
