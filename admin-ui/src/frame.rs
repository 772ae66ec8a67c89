//! What stands around every page: where one can go, who one is, and the palette.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{components::A, hooks::use_navigate};
use serde_json::json;

use crate::{
    api,
    parts::palette::Palette,
    preferences::{self, Language, Theme},
    session::me,
    text::{Text, t},
};

/// A room of the back office.
pub(crate) struct Room {
    pub(crate) href: &'static str,
    pub(crate) name: Text,
}

/// Where one can go.
pub(crate) const ROOMS: [Room; 14] = [
    Room {
        href: "/",
        name: Text::Dashboard,
    },
    Room {
        href: "/licenses",
        name: Text::Licenses,
    },
    Room {
        href: "/customers",
        name: Text::Customers,
    },
    Room {
        href: "/devices",
        name: Text::Devices,
    },
    Room {
        href: "/products",
        name: Text::Products,
    },
    Room {
        href: "/policies",
        name: Text::Policies,
    },
    Room {
        href: "/releases",
        name: Text::Releases,
    },
    Room {
        href: "/anomalies",
        name: Text::Anomalies,
    },
    Room {
        href: "/audit",
        name: Text::AuditLog,
    },
    Room {
        href: "/api-keys",
        name: Text::ApiKeys,
    },
    Room {
        href: "/operators",
        name: Text::Operators,
    },
    Room {
        href: "/sessions",
        name: Text::Sessions,
    },
    Room {
        href: "/blocked",
        name: Text::BlockedAddresses,
    },
    Room {
        href: "/backups",
        name: Text::Backups,
    },
];

#[component]
pub(crate) fn Frame(children: ChildrenFn) -> impl IntoView {
    let me = me();
    let palette = RwSignal::new(false);
    view! {
        <Show when=move || me.is_in() fallback=|| view! { <main class="waiting" aria-busy="true"><div class="skeleton"></div></main> }>
            <a class="skip" href="#content">{move || t(Text::SkipToContent)}</a>
            <header class="top">
                <a class="brand" href="/">"Licet"</a>
                <button class="wide-button" on:click=move |_| palette.set(true)>{move || t(Text::WhereTo)} " " <kbd>"Ctrl K"</kbd></button>
                <Account />
            </header>
            <div class="columns">
                <nav aria-label=move || t(Text::MainNavigation)>
                    <ul>{ROOMS.iter().map(|room| view! {
                        <li><A href=room.href exact={room.href == "/"}>{move || t(room.name)}</A></li>
                    }).collect_view()}</ul>
                </nav>
                <main id="content">{children()}</main>
            </div>
            <Palette open=palette />
        </Show>
    }
}

/// Who one is: profile, language, theme, and out.
#[component]
fn Account() -> impl IntoView {
    let (me, navigate) = (me(), use_navigate());
    let open = RwSignal::new(false);
    let name = move || me.session().map(|session| session.operator.name).unwrap_or_default();
    let leave = move |_| {
        let navigate = navigate.clone();
        spawn_local(async move {
            // Whoever is out already is out.
            let _ = api::step("/api/auth/logout", &json!({})).await;
            me.forget();
            navigate("/login", leptos_router::NavigateOptions::default());
        });
    };
    let choice = |name: Text, is_chosen: fn() -> bool, choose: fn()| {
        view! {
            <button role="menuitemradio" aria-checked=move || is_chosen().to_string() on:click=move |_| choose()>{move || t(name)}</button>
        }
    };
    view! {
        <div class="menu" on:keydown=move |event| if event.key() == "Escape" { open.set(false) }>
            <button
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                aria-label=move || format!("{}: {}", t(Text::Account), name())
                on:click=move |_| open.update(|open| *open = !*open)
            >{name}</button>
            <Show when=move || open.get()>
                <div role="menu" aria-label=move || t(Text::Account)>
                    <a role="menuitem" href="/profile" on:click=move |_| open.set(false)>{move || t(Text::Profile)}</a>
                    <div role="group" aria-label=move || t(Text::Language)>
                        {choice(Text::English, || preferences::language() == Language::English, || preferences::speak(Language::English))}
                        {choice(Text::German, || preferences::language() == Language::German, || preferences::speak(Language::German))}
                    </div>
                    <div role="group" aria-label=move || t(Text::Theme)>
                        {choice(Text::ThemeSystem, || preferences::theme() == Theme::System, || preferences::paint(Theme::System))}
                        {choice(Text::ThemeLight, || preferences::theme() == Theme::Light, || preferences::paint(Theme::Light))}
                        {choice(Text::ThemeDark, || preferences::theme() == Theme::Dark, || preferences::paint(Theme::Dark))}
                    </div>
                    <button role="menuitem" on:click=leave.clone()>{move || t(Text::SignOut)}</button>
                </div>
            </Show>
        </div>
    }
}
