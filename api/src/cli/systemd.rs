//! What systemd is told, where it asks (`Type=notify`, `WatchdogSec=`): that the server answers, that it lives, that it ends.

use std::net::SocketAddr;

use sd_notify::NotifyState;
use tokio::sync::watch;

/// Says that the server answers at this address, and from then on three times in each of the watchdog's intervals that it
/// lives, which it can say only while its runtime moves on. Without systemd nothing happens.
pub(super) fn tell(address: SocketAddr, mut ending: watch::Receiver<bool>) {
    let _ = sd_notify::notify(&[
        NotifyState::Ready,
        NotifyState::Status(&format!("Listening on {address}")),
    ]);
    tokio::spawn(async move {
        match sd_notify::watchdog_enabled() {
            Some(interval) => {
                let mut beat = tokio::time::interval(interval / 3);
                while !*ending.borrow() {
                    tokio::select! {
                        _ = beat.tick() => drop(sd_notify::notify(&[NotifyState::Watchdog])),
                        ended = ending.changed() => if ended.is_err() { break },
                    }
                }
            }
            None => _ = ending.wait_for(|ending| *ending).await,
        }
        let _ = sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status("Running requests finish")]);
    });
}
