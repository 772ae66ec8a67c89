//! The addresses, and what each shows.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    components::{Route, Router, Routes},
    hooks::{use_location, use_navigate},
    path,
};

use crate::{
    frame::Frame,
    live::Live,
    pages::{
        anomalies, api_keys, audit, backups, blocked, customer, customers, dashboard, devices, license, licenses,
        login, new_customer, new_license, not_found, operators, policies, products, profile, releases, sessions, setup,
    },
    parts::{dialog::GateDialog, toast},
    session::Me,
};

#[component]
pub(crate) fn App() -> impl IntoView {
    let me = Me::new();
    provide_context(me);
    provide_context(Live::follow(me));
    toast::provide();
    spawn_local(async move {
        me.ask().await;
    });
    view! {
        <Router>
            <SignInGuard />
            <Routes fallback=|| view! { <Frame><not_found::Page /></Frame> }>
                <Route path=path!("/setup") view=setup::Page />
                <Route path=path!("/login") view=login::Page />
                <Route path=path!("/") view=|| view! { <Frame><dashboard::Page /></Frame> } />
                <Route path=path!("/licenses") view=|| view! { <Frame><licenses::Page /></Frame> } />
                <Route path=path!("/licenses/new") view=|| view! { <Frame><new_license::Page /></Frame> } />
                <Route path=path!("/licenses/:id") view=|| view! { <Frame><license::Page /></Frame> } />
                <Route path=path!("/customers") view=|| view! { <Frame><customers::Page /></Frame> } />
                <Route path=path!("/customers/new") view=|| view! { <Frame><new_customer::Page /></Frame> } />
                <Route path=path!("/customers/:id") view=|| view! { <Frame><customer::Page /></Frame> } />
                <Route path=path!("/products") view=|| view! { <Frame><products::Page /></Frame> } />
                <Route path=path!("/policies") view=|| view! { <Frame><policies::Page /></Frame> } />
                <Route path=path!("/releases") view=|| view! { <Frame><releases::Page /></Frame> } />
                <Route path=path!("/api-keys") view=|| view! { <Frame><api_keys::Page /></Frame> } />
                <Route path=path!("/audit") view=|| view! { <Frame><audit::Page /></Frame> } />
                <Route path=path!("/operators") view=|| view! { <Frame><operators::Page /></Frame> } />
                <Route path=path!("/devices") view=|| view! { <Frame><devices::Page /></Frame> } />
                <Route path=path!("/anomalies") view=|| view! { <Frame><anomalies::Page /></Frame> } />
                <Route path=path!("/blocked") view=|| view! { <Frame><blocked::Page /></Frame> } />
                <Route path=path!("/sessions") view=|| view! { <Frame><sessions::Page /></Frame> } />
                <Route path=path!("/backups") view=|| view! { <Frame><backups::Page /></Frame> } />
                <Route path=path!("/profile") view=|| view! { <Frame><profile::Page /></Frame> } />
            </Routes>
            <GateDialog />
        </Router>
        <toast::Toasts />
    }
}

/// Sends whoever is not signed in to the log-in, and back afterwards.
#[component]
fn SignInGuard() -> impl IntoView {
    let (me, location, navigate) = (crate::session::me(), use_location(), use_navigate());
    Effect::new(move |had: Option<bool>| {
        let path = location.pathname.get();
        let is_open = matches!(&path[..], "/login" | "/setup");
        let is_in = me.is_in();
        // Whose session ended in the middle of something signs in there, in place.
        if me.asked() && !is_in && !is_open && had != Some(true) {
            let search = location.search.get_untracked();
            let back = format!(
                "{path}{}",
                if search.is_empty() {
                    String::new()
                } else {
                    format!("?{search}")
                }
            );
            let to = format!("/login?next={}", crate::parts::link::encoded(&back));
            navigate(
                &to,
                leptos_router::NavigateOptions {
                    replace: true,
                    ..Default::default()
                },
            );
        }
        is_in
    });
}
