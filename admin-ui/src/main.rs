//! The back office in the browser: one page app over the server's own API.
//!
//! What lives here: pages, the parts that they are made of, and what they say in each language. What must not: rules. The
//! server decides, refuses and explains; this shows it.
#![expect(unreachable_pub, reason = "#[component] writes `pub` for a component of the crate")]

mod api;
mod app;
mod event_names;
mod export;
mod frame;
mod gate;
mod live;
mod pages;
mod parts;
mod preferences;
mod session;
mod text;
mod words;

fn main() {
    console_error_panic_hook::set_once();
    preferences::apply();
    leptos::mount::mount_to_body(app::App);
}
