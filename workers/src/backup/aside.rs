//! Tries a backup beside a server, on a thread of low priority.

use licet_event_store::{
    backup::{BackupError, RestorePoint, Teller},
    niceness,
};
use tokio::sync::{oneshot, watch};

use super::{BackupSettings, Trial, Verified, VerifyError};

/// How far a trial goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every file is read and opened.
    Files,
    /// It is restored up to there, and looked over.
    Restored(RestorePoint),
}

/// Tries a backup on a thread that gives way to whoever serves machines, and with it what it starts; cut off when the
/// server ends. Answers what came of a restore.
pub async fn verify_aside(
    settings: BackupSettings,
    (id, depth): (String, Depth),
    teller: Teller,
    mut ending: watch::Receiver<bool>,
) -> Result<Option<Verified>, VerifyError> {
    let (answer, answered) = oneshot::channel();
    std::thread::spawn(move || {
        niceness::give_way();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let tried = runtime
            .map_err(|error| BackupError::from(error).into())
            .and_then(|runtime| {
                runtime.block_on(async {
                    tokio::select! {
                        tried = verify(&settings, &id, depth, &teller) => tried,
                        _ = ending.wait_for(|ending| *ending) => Err(VerifyError::CutOff),
                    }
                })
            });
        // Who does not wait for it any more is about to end.
        let _ = answer.send(tried);
    });
    answered.await.unwrap_or(Err(VerifyError::CutOff))
}

async fn verify(
    settings: &BackupSettings,
    id: &str,
    depth: Depth,
    teller: &Teller,
) -> Result<Option<Verified>, VerifyError> {
    let store = settings.store()?;
    let manifest = store.manifest(id, &settings.keys).await?;
    let mut trial = Trial {
        store: &store,
        keys: &settings.keys,
        secret_key: &settings.secret_key,
        place: &settings.place,
        point: RestorePoint::Whole,
        told: &|step, reached, goal| teller.tell(step, reached, goal),
    };
    match depth {
        Depth::Files => trial.files(&manifest).await.map(|()| None),
        Depth::Restored(point) => {
            trial.point = point;
            trial.restore(&manifest).await.map(Some)
        }
    }
}
