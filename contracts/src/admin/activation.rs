//! Machines over all licenses.

use serde::{Deserialize, Serialize};

use crate::license::ActivationSummary;

/// A machine, with the license whose seat it took.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Activation {
    /// What is known of the machine.
    #[serde(flatten)]
    pub machine: ActivationSummary,
    /// The license.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub license_id: String,
    /// Its key, masked; `null` for a moment after a sale.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub key_masked: Option<String>,
    /// What it licenses, by code.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub product: Option<String>,
    /// Whom it was issued to.
    #[cfg_attr(feature = "openapi", schema(format = Uuid, required))]
    pub customer_id: Option<String>,
    /// Their name; `null` when forgotten.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub customer: Option<String>,
}
