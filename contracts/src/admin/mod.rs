//! What operators' scripts send and get.

mod activation;
mod backup;
mod blocked_address;
mod customer;
mod history;
mod key;
mod license;
mod live;
mod operator;
mod permission;
mod policy;
mod product;
mod release;
mod search;
mod tag;
mod verification;

pub use activation::Activation;
pub use backup::{Backup, BackupPlan, BackupRun, DrillBackup, VerifyBackup};
pub use blocked_address::{BlockAddress, BlockedAddress};
pub use customer::{CreateCustomer, Customer, CustomerOverview, EditCustomer, LicensesByStatus};
pub use history::{Actor, AuditEntry, Event};
pub use key::{ApiKey, CreateApiKey, RotateApiKey, SigningKey};
pub use license::{
    CheckOut, CreateLicenses, EditLicense, IssuedLicenses, License, RenewLicense, RevealedKey, TransferSeat, WithReason,
};
pub use live::{Counters, LiveChange, ProjectorState};
pub use operator::{EditOperator, InviteOperator, NamedOperator, Operator, Session};
pub use permission::{Permission, Permissions};
pub use policy::{CreatePolicy, Policy, PolicyTerms};
pub use product::{CreateProduct, EditProduct, Product};
pub use release::{CreateRelease, EditRelease, Release};
pub use search::{Found, FoundThing};
pub use tag::{CreateTag, EditTag, Tag};
pub use verification::{VerificationFault, VerificationProgress, VerificationReport};
