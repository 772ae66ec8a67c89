//! What may be done, by whom: the one list behind the routes' types, refusals and `GET /api/admin/permissions`.

use serde::{Deserialize, Serialize};

use crate::api_key::Scope;

/// What an operator is in the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, operators and signing keys too.
    Owner,
    /// Everything but that.
    Admin,
    /// Helps customers: licenses, machines, deliveries.
    Support,
    /// Sells: customers, licenses, tags.
    Sales,
    /// Reads, simulates and replays.
    Analyst,
    /// Reads everything, credentials' metadata and the audit log too.
    Auditor,
}

impl Role {
    /// Its name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Support => "support",
            Self::Sales => "sales",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
        }
    }
}

use Role::{Admin, Analyst, Auditor, Owner, Sales, Support};

/// Who reads what the business is made of.
const EVERYBODY: &[Role] = &[Owner, Admin, Support, Sales, Analyst, Auditor];
/// Who sets the business up.
const MANAGERS: &[Role] = &[Owner, Admin];
/// Who deals with customers.
const DESK: &[Role] = &[Owner, Admin, Support, Sales];
/// Who looks after what runs.
const CARE: &[Role] = &[Owner, Admin, Support];

/// A permission as a type, for extractors: a handler that takes one cannot be reached without it.
pub trait Needed: Send + Sync + 'static {
    /// Which.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($( $(#[$meta:meta])* $name:ident = ($text:literal, $scope:ident, $roles:expr) ),+ $(,)?) => {
        /// One thing that may be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $( $(#[$meta])* $name, )+ }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name, such as `products.write`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The scope of API keys that have it.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)+ }
            }

            /// The roles of operators that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => $roles,)+ }
            }
        }

        /// Each permission as a type of the same name.
        pub mod needed {
            $( $(#[$meta])* #[derive(Debug, Clone, Copy)] pub struct $name;
            impl super::Needed for $name {
                const PERMISSION: super::Permission = super::Permission::$name;
            } )+
        }
    };
}

permissions! {
    /// Give machines seats by key, and look licenses up by key.
    ActivateLicenses = ("licenses.activate", Client, &[]),
    /// Ask and report as a machine: by key, or by an activation's token.
    UseLicenses = ("licenses.use", Client, &[]),
    /// Read anomalies.
    ReadAnomalies = ("anomalies.read", Read, EVERYBODY),
    /// Judge anomalies, and run the rules again.
    WriteAnomalies = ("anomalies.write", Admin, CARE),
    /// Read API keys, without their secrets.
    ReadApiKeys = ("api_keys.read", Admin, &[Owner, Admin, Auditor]),
    /// Make, rotate and revoke API keys.
    WriteApiKeys = ("api_keys.write", Admin, MANAGERS),
    /// Read who did what.
    ReadAudit = ("audit.read", Read, &[Owner, Admin, Auditor]),
    /// Read which backups there are, and what became of making and trying them.
    ReadBackups = ("backups.read", Admin, &[Owner, Admin, Auditor]),
    /// Make backups, try them, and fetch them.
    WriteBackups = ("backups.write", Admin, MANAGERS),
    /// Delete backups.
    DeleteBackups = ("backups.delete", Admin, &[Owner]),
    /// Read from where nobody signs in.
    ReadBlockedAddresses = ("blocked_addresses.read", Admin, &[Owner, Admin, Auditor]),
    /// Block addresses, and let them in again.
    WriteBlockedAddresses = ("blocked_addresses.write", Admin, MANAGERS),
    /// Read customers.
    ReadCustomers = ("customers.read", Read, EVERYBODY),
    /// Take up, change and retire customers.
    WriteCustomers = ("customers.write", Admin, DESK),
    /// Forget who customers are, for ever.
    ForgetCustomers = ("customers.forget", Admin, MANAGERS),
    /// Read licenses, their machines, and what those reported.
    ReadLicenses = ("licenses.read", Read, EVERYBODY),
    /// Issue licenses.
    IssueLicenses = ("licenses.issue", Admin, DESK),
    /// Change licenses: their terms, their end, whether they stand.
    WriteLicenses = ("licenses.write", Admin, DESK),
    /// Revoke licenses, for ever.
    RevokeLicenses = ("licenses.revoke", Admin, MANAGERS),
    /// Move and free machines' seats, and check licenses out.
    WriteActivations = ("activations.write", Admin, CARE),
    /// See a license's key in full.
    RevealLicenseKeys = ("license_keys.reveal", Admin, CARE),
    /// Read mails.
    ReadMails = ("mails.read", Read, &[Owner, Admin, Support, Auditor]),
    /// Send mails again.
    WriteMails = ("mails.write", Admin, CARE),
    /// Read who the operators are.
    ReadOperators = ("operators.read", Admin, &[Owner, Admin, Auditor]),
    /// Invite operators, change what they may do, keep them out.
    WriteOperators = ("operators.write", Admin, &[Owner]),
    /// Read this list.
    ReadPermissions = ("permissions.read", Read, EVERYBODY),
    /// Read policies, and simulate others on history.
    ReadPolicies = ("policies.read", Read, EVERYBODY),
    /// Take up, change and retire policies.
    WritePolicies = ("policies.write", Admin, MANAGERS),
    /// Read products.
    ReadProducts = ("products.read", Read, EVERYBODY),
    /// Take up, change and retire products.
    WriteProducts = ("products.write", Admin, MANAGERS),
    /// Read releases.
    ReadReleases = ("releases.read", Read, EVERYBODY),
    /// Publish, roll out and yank releases.
    WriteReleases = ("releases.write", Admin, MANAGERS),
    /// Replay read models and fetch what came of it.
    RunReplays = ("replays.run", Read, &[Owner, Admin, Analyst, Auditor]),
    /// Read the public keys that sign.
    ReadSigningKeys = ("signing_keys.read", Read, EVERYBODY),
    /// Make a new signing key.
    WriteSigningKeys = ("signing_keys.write", Admin, &[Owner]),
    /// Read who is signed in, and was.
    ReadSessions = ("sessions.read", Admin, &[Owner, Admin, Auditor]),
    /// End sessions.
    WriteSessions = ("sessions.write", Admin, MANAGERS),
    /// Read tags.
    ReadTags = ("tags.read", Read, EVERYBODY),
    /// Make, change and retire tags.
    WriteTags = ("tags.write", Admin, DESK),
    /// Read webhooks and their deliveries.
    ReadWebhooks = ("webhooks.read", Read, &[Owner, Admin, Support, Auditor]),
    /// Make, change, test and retire webhooks, and deliver again.
    WriteWebhooks = ("webhooks.write", Admin, MANAGERS),
}

impl Permission {
    /// Whether an operator gives the password again before it: what it does cannot be taken back, or lets others in.
    pub const fn asks_for_password(self) -> bool {
        matches!(
            self,
            Self::RevokeLicenses
                | Self::ForgetCustomers
                | Self::RevealLicenseKeys
                | Self::WriteApiKeys
                | Self::WriteOperators
                | Self::WriteSigningKeys
                | Self::DeleteBackups
        )
    }

    /// Whether an API key with these scopes has it: `admin` reads too.
    pub fn is_in(self, scopes: &[Scope]) -> bool {
        let needed = self.scope();
        let suffices = |own: &Scope| *own == needed || (needed == Scope::Read && *own == Scope::Admin);
        scopes.iter().any(suffices)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_owners_may_all_that_people_may() {
        let names: BTreeSet<_> = Permission::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Permission::ALL.len());
        for one in Permission::ALL.iter().filter(|one| one.scope() != Scope::Client) {
            assert!(one.roles().contains(&Owner), "{}", one.name());
        }
    }

    #[test]
    fn only_managers_and_desks_change_anything() {
        for one in Permission::ALL.iter().filter(|one| one.scope() == Scope::Admin) {
            assert!(!one.roles().contains(&Analyst), "{}", one.name());
            let reads = one.name().rsplit_once('.').is_some_and(|(_, verb)| verb == "read");
            assert!(reads || !one.roles().contains(&Auditor), "{}", one.name());
        }
    }

    #[test]
    fn an_admin_key_reads_and_a_reading_key_changes_nothing() {
        assert!(Permission::ReadProducts.is_in(&[Scope::Admin]));
        assert!(Permission::WriteProducts.is_in(&[Scope::Admin]));
        assert!(!Permission::WriteProducts.is_in(&[Scope::Read]));
        assert!(!Permission::ReadProducts.is_in(&[Scope::Client]));
        assert!(!Permission::UseLicenses.is_in(&[Scope::Admin]));
    }
}
