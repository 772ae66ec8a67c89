//! What follows from what is kept, without any network.

use licet_contracts::lease::{ISSUER, REVOCATIONS_TYPE, RevocationClaims};
use licet_domain::values::Timestamp;

use crate::{Error, Fingerprint, Licensed, OfflineLease, PinnedKeys, Store, store::now};

/// How far the clock may run behind the latest moment seen before that counts as set back.
const TOLERANCE_SECONDS: i64 = 300;

impl Store {
    /// Whether the kept lease was made for another machine, whatever the time is.
    pub(crate) fn is_of_another(&self, machine: &Fingerprint) -> bool {
        let keys = self.keys().unwrap_or_default();
        let lease = self
            .state()
            .lease
            .as_deref()
            .map(|lease| OfflineLease::read(lease, &keys));
        matches!(lease, Some(Ok(lease)) if lease.check_machine(machine).is_err())
    }

    /// Says without any network whether this machine may run now, and remembers the moment.
    pub fn check_offline(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
    ) -> Result<Licensed, Error> {
        self.check_offline_at(machine, app_version, features, now())
    }

    /// The same by another clock.
    pub fn check_offline_at(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
        now: Timestamp,
    ) -> Result<Licensed, Error> {
        let now = self.no_earlier(now)?;
        self.check_by_server(machine, app_version, features, now)
    }

    /// The same by the server's time, which no clock here has set.
    pub(crate) fn check_by_server(
        &mut self,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
        now: Timestamp,
    ) -> Result<Licensed, Error> {
        let lease = self.read_lease(self.state().lease.as_deref().ok_or(Error::NoLease)?)?;
        // Once a minute is enough to notice a clock that was set back, after a lease's end as well.
        if now.millis() >= self.state().seen + 60_000 {
            self.update(|state| state.seen = state.seen.max(now.millis()))?;
        }
        lease.check(machine, app_version, features, now)
    }

    /// Says whether a lease would let this machine run now. Nothing of it is kept.
    pub fn check_lease(
        &self,
        lease: &str,
        machine: &Fingerprint,
        app_version: Option<&str>,
        features: &[&str],
    ) -> Result<Licensed, Error> {
        let now = self.no_earlier(now())?;
        self.read_lease(lease)?.check(machine, app_version, features, now)
    }

    /// A clock that runs slightly behind must not stretch a lease; one that was set back is refused.
    fn no_earlier(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let seen = Timestamp::from_millis(self.state().seen);
        if now.plus_seconds(TOLERANCE_SECONDS) < seen {
            return Err(Error::ClockSetBack {
                now: now.to_string(),
                seen: seen.to_string(),
            });
        }
        Ok(now.max(seen))
    }

    /// A lease that a trusted key signed and that was not called back.
    fn read_lease(&self, token: &str) -> Result<OfflineLease, Error> {
        let keys = self.keys()?;
        let lease = OfflineLease::read(token, &keys)?;
        let list = self.state().revocations.as_deref();
        if let Some(list) = list.and_then(|list| revocations(list, &keys).ok()) {
            let named = list.lic.iter().any(|id| id == lease.license_id())
                || list.act.iter().any(|id| id == lease.activation_id());
            if named && lease.issued_at().seconds() <= list.iat {
                return Err(Error::Revoked);
            }
        }
        Ok(lease)
    }
}

/// Reads a list of leases that were called back.
pub(crate) fn revocations(list: &str, keys: &PinnedKeys) -> Result<RevocationClaims, Error> {
    let claims: RevocationClaims = keys.verify(list, REVOCATIONS_TYPE)?;
    if claims.iss != ISSUER || claims.ver != 1 {
        return Err(Error::Lease("the list is of another issuer or version"));
    }
    Ok(claims)
}
