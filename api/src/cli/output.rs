//! What commands print: for people, or JSON for programs; progress and complaints go to standard error.
#![expect(clippy::print_stderr, reason = "this is where the command prints")]

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a result, as a sentence or as JSON.
    pub(crate) fn result<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        line(&if self.json {
            crate::render::json(value)
        } else {
            text(value)
        });
    }

    /// Says why it failed, with its causes.
    pub(crate) fn fail(self, error: &anyhow::Error) -> ExitCode {
        if self.json {
            line(&crate::render::json(
                &serde_json::json!({ "error": format!("{error:#}") }),
            ));
        } else {
            eprintln!("licet: {error:#}");
        }
        ExitCode::FAILURE
    }

    /// A bar for long work; silent where nobody watches.
    pub(crate) fn bar(self, what: &'static str) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} events, {per_sec}, {eta} left");
        let bar = ProgressBar::no_length().with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        style.map_or(bar.clone(), |style| bar.with_style(style))
    }

    /// The same, and what moves it: how far it is, and of how much.
    pub(crate) fn moving_bar(self, what: &'static str) -> (ProgressBar, impl Fn(i64, i64)) {
        let (bar, moves) = self.changing_bar();
        (bar, move |at, of| moves(what, at, of))
    }

    /// The same for work that changes: what is done is told each time.
    pub(crate) fn changing_bar(self) -> (ProgressBar, impl Fn(&'static str, i64, i64)) {
        let bar = self.bar("");
        let moved = bar.clone();
        let moves = move |what: &'static str, at: i64, of: i64| {
            if moved.message() != what {
                moved.reset();
                moved.set_message(what);
            }
            moved.set_length(of.cast_unsigned());
            moved.set_position(at.cast_unsigned());
        };
        (bar, moves)
    }

    /// Says what is being done, for work of unknown length; silent where nobody watches.
    pub(crate) fn spinner(self) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(200));
        spinner
    }
}

/// Prints a line, as it is. Whoever reads may have read enough, as `head` does: then it goes nowhere.
pub(crate) fn line(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        READ_ENOUGH.store(true, Ordering::Relaxed);
    }
}

/// Whether nobody reads what is printed any more.
pub(crate) fn is_read_enough() -> bool {
    READ_ENOUGH.load(Ordering::Relaxed)
}

static READ_ENOUGH: AtomicBool = AtomicBool::new(false);
