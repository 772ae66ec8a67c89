//! The true-up statement: what a license used in a period, signed, for both sides to keep.

use serde::{Deserialize, Serialize};

/// `typ` of a statement's JOSE header.
pub const TRUE_UP_TYPE: &str = "licet-true-up+jwt";

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statement {
    /// Who issued it.
    pub iss: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// The license's id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// The product's code.
    pub product: String,
    /// The period's beginning, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub from: String,
    /// The first moment after it.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub to: String,
    /// The most seats in use at once.
    pub peak: u32,
    /// When that was first so; `null` when none was.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required))]
    pub peak_at: Option<String>,
    /// Seats in use on average, to a thousandth.
    pub average: f64,
    /// Days in UTC on which more seats were in use than the license had.
    pub over_use: Vec<OverUse>,
    /// Which events that rests on.
    pub events: Evidence,
    /// The log that they stand in.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub log_id: String,
    /// The shape of these claims; 1.
    pub ver: u32,
}

/// A day on which more seats were in use than there were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OverUse {
    /// The day's beginning in UTC.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub day: String,
    /// The most seats beyond what the license had at that moment.
    pub over: u32,
    /// For how many seconds of the day.
    pub seconds: i64,
}

/// Which events a statement rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// How many changes of seats in use or of seats there were, up to the period's end.
    pub count: u64,
    /// The position of the first.
    pub first: i64,
    /// The position of the last.
    pub last: i64,
}

/// `GET /api/admin/licenses/{id}/true-up`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrueUp {
    /// The statement, to read.
    pub statement: Statement,
    /// The same as a compact JWS (EdDSA), to keep: it verifies offline with the published keys.
    pub jws: String,
}
