//! Who is signed in, and what that one may do, by the server's own word.

use leptos::prelude::*;
use licet_contracts::{
    admin::{Permission, Permissions},
    auth::{LoggedIn, Session},
};

use crate::{
    api,
    text::{Text, t},
};

/// What every page may ask for.
#[derive(Clone, Copy)]
pub(crate) struct Me {
    session: RwSignal<Option<Session>>,
    matrix: RwSignal<Vec<Permission>>,
    /// Whether it was asked at all.
    asked: RwSignal<bool>,
}

impl Me {
    pub(crate) fn new() -> Self {
        Self {
            session: RwSignal::new(None),
            matrix: RwSignal::new(Vec::new()),
            asked: RwSignal::new(false),
        }
    }

    /// Asks the server who is signed in.
    pub(crate) async fn ask(self) -> bool {
        let session = api::probe("/api/auth/session").await;
        let session = session.and_then(|session| api::parse::<Session>(&session.value)).ok();
        let is_in = session.is_some();
        if is_in
            && self.matrix.read_untracked().is_empty()
            && let Ok(matrix) = api::probe("/api/admin/permissions").await
            && let Ok(matrix) = api::parse::<Permissions>(&matrix.value)
        {
            self.matrix.set(matrix.permissions);
        }
        self.session.set(session);
        self.asked.set(true);
        is_in
    }

    pub(crate) fn forget(self) {
        self.session.set(None);
    }

    pub(crate) fn asked(self) -> bool {
        self.asked.get()
    }

    pub(crate) fn session(self) -> Option<Session> {
        self.session.get()
    }

    pub(crate) fn is_in(self) -> bool {
        self.session.read().is_some()
    }

    pub(crate) fn is_in_untracked(self) -> bool {
        self.session.read_untracked().is_some()
    }

    /// Why something is not permitted; nothing where it is.
    pub(crate) fn refusal(self, permission: &str) -> Option<String> {
        let session = self.session.read();
        let session = session.as_ref()?;
        if session.permissions.iter().any(|one| one == permission) {
            return None;
        }
        let matrix = self.matrix.read();
        let roles = matrix.iter().find(|one| one.permission == permission);
        let roles = roles.map(|one| one.roles.join(", ")).unwrap_or_default();
        Some(format!(
            "{} {} ({}). {} {roles}.",
            t(Text::RoleMayNot),
            session.operator.role,
            permission,
            t(Text::RolesThatMay)
        ))
    }
}

/// Which step on the way in comes next, by the server's answer.
pub(crate) fn next_of(answer: &str) -> String {
    api::parse::<LoggedIn>(answer)
        .map(|answer| answer.next)
        .unwrap_or_default()
}

/// The page's.
pub(crate) fn me() -> Me {
    expect_context::<Me>()
}
