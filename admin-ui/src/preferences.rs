//! What a person chooses for this browser: language, theme and density. Kept in the browser alone.

use leptos::prelude::*;

/// A language that the app speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

/// How the app is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

thread_local! {
    static LANGUAGE: ArcRwSignal<Language> = ArcRwSignal::new(first_language());
    static THEME: ArcRwSignal<Theme> = ArcRwSignal::new(first_theme());
    static COMPACT: ArcRwSignal<bool> = ArcRwSignal::new(kept("licet.compact").as_deref() == Some("1"));
}

pub(crate) fn language() -> Language {
    LANGUAGE.with(Get::get)
}

pub(crate) fn theme() -> Theme {
    THEME.with(Get::get)
}

/// Whether tables are dense.
pub(crate) fn compact() -> bool {
    COMPACT.with(Get::get)
}

pub(crate) fn speak(language: Language) {
    LANGUAGE.with(|signal| signal.set(language));
    keep("licet.language", code(language));
    apply();
}

pub(crate) fn paint(theme: Theme) {
    THEME.with(|signal| signal.set(theme));
    keep("licet.theme", name(theme));
    apply();
}

pub(crate) fn pack(compact: bool) {
    COMPACT.with(|signal| signal.set(compact));
    keep("licet.compact", if compact { "1" } else { "0" });
}

/// Tells the document, whose styles and screen readers follow it.
pub(crate) fn apply() {
    let Some(root) = document().document_element() else {
        return;
    };
    let theme = THEME.with(GetUntracked::get_untracked);
    let language = LANGUAGE.with(GetUntracked::get_untracked);
    let _ = root.set_attribute("data-theme", name(theme));
    let _ = root.set_attribute("lang", code(language));
}

/// The language's BCP 47 tag.
pub(crate) fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::German => "de",
    }
}

fn name(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

fn first_language() -> Language {
    let browser = || window().navigator().language();
    match kept("licet.language").or_else(browser) {
        Some(tag) if tag.starts_with("de") => Language::German,
        _ => Language::English,
    }
}

fn first_theme() -> Theme {
    match kept("licet.theme").as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

fn kept(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

fn keep(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A browser that keeps nothing forgets it with the page.
        let _ = storage.set_item(key, value);
    }
}
