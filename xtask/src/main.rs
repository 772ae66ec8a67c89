//! `cargo xtask ui [OUT]`: builds the browser app into a folder of static files. `cargo xtask dashboards [OUT]` writes
//! Grafana's dashboards (`dashboards.rs`).
//!
//! What trunk and the wasm-bindgen command would do, from crates alone: compiles `admin-ui` to wasm, makes the
//! JavaScript glue, names every file by its content, and lays a brotli and a gzip copy beside each.

mod dashboards;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

const PACKAGE: &str = "licet-admin-ui";
const FOLDER: &str = "admin-ui";
const PROFILE: &str = "ui";
const TARGET: &str = "wasm32-unknown-unknown";
/// Where the server serves the folder; ends with a slash.
const BASE: &str = "/";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("ui") => ui(&arguments
            .next()
            .map_or_else(|| workspace().join(FOLDER).join("dist"), PathBuf::from)),
        Some("dashboards") => dashboards::write(
            &arguments
                .next()
                .map_or_else(|| workspace().join("infra/grafana/dashboards"), PathBuf::from),
        ),
        _ => bail!("usage: cargo xtask ui|dashboards [OUT]"),
    }
}

fn workspace() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}

fn ui(out: &Path) -> Result<()> {
    let wasm = compile()?;

    let work = tempfile::tempdir()?;
    Bindgen::new()
        .input_path(&wasm)
        .out_name("app")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true) // the loader names the wasm file, whose name carries a hash
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(work.path())?;
    let wasm = fs::read(work.path().join("app_bg.wasm"))?;
    let mut js = fs::read_to_string(work.path().join("app.js"))?;

    let assets = workspace().join(FOLDER).join("assets");
    let read = |name: &str| fs::read_to_string(assets.join(name)).with_context(|| format!("reading {name}"));

    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out.join("assets"))?;
    let mut site = Site {
        out,
        total: Sizes::default(),
    };

    // JavaScript that a crate carries along (`#[wasm_bindgen(inline_js)]`, `module = "..."`).
    let snippets = work.path().join("snippets");
    if snippets.exists() {
        let files = walk(&snippets)?;
        let mut hash = Sha256::new();
        for file in &files {
            hash.update(fs::read(file)?);
        }
        let folder = format!("snippets-{}", short(&hash.finalize()));
        js = js
            .replace("'./snippets/", &format!("'./{folder}/"))
            .replace("\"./snippets/", &format!("\"./{folder}/"));
        for file in &files {
            site.write(
                &format!("assets/{folder}/{}", file.strip_prefix(&snippets)?.display()),
                &fs::read(file)?,
            )?;
        }
    }

    let wasm = site.hashed("app", "wasm", &wasm)?;
    let js = site.hashed("app", "js", js.as_bytes())?;
    let css = site.hashed("style", "css", read("style.css")?.as_bytes())?;
    let icon = site.hashed("icon", "svg", read("icon.svg")?.as_bytes())?;
    let base_name = |path: &str| path.trim_start_matches("assets/").to_owned();
    let loader = fill(
        &read("loader.js")?,
        &[("js", &base_name(&js)), ("wasm", &base_name(&wasm))],
    )?;
    let loader = site.hashed("loader", "js", loader.as_bytes())?;
    let index = fill(
        &read("index.html")?,
        &[
            ("base", BASE),
            ("wasm", &wasm),
            ("js", &js),
            ("css", &css),
            ("icon", &icon),
            ("loader", &loader),
        ],
    )?;
    site.write("index.html", index.as_bytes())?;

    let Sizes { raw, gzip, brotli } = site.total;
    say(&format!(
        "{:<44} {raw:>9} {gzip:>9} {brotli:>9}",
        "total (raw, gzip, brotli)"
    ));
    Ok(())
}

/// Runs cargo for the wasm target, and finds what it made by its own word.
fn compile() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut child = Command::new(cargo)
        .current_dir(workspace())
        .args([
            "build",
            "--locked",
            "--package",
            PACKAGE,
            "--target",
            TARGET,
            "--profile",
            PROFILE,
        ])
        .arg("--message-format=json-render-diagnostics")
        // One type for all views: a third less code, which is what a browser waits for.
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "--cfg erase_components",
        )
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo")?;
    let stdout = child.stdout.take().context("cargo's output")?;
    let mut made = None;
    for line in BufReader::new(stdout).lines() {
        let message: serde_json::Value = serde_json::from_str(&line?)?;
        if message["reason"] == "compiler-artifact" && message["target"]["name"] == PACKAGE {
            made = message["filenames"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|f| f.as_str())
                .find(|f| Path::new(f).extension().is_some_and(|e| e == "wasm"))
                .map(PathBuf::from)
                .or(made);
        }
    }
    ensure!(
        child.wait()?.success(),
        "the build for {TARGET} failed; `rustup target add {TARGET}` installs the target if that is what's missing"
    );
    made.context("cargo named no wasm file")
}

#[derive(Default)]
struct Sizes {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

struct Site<'a> {
    out: &'a Path,
    total: Sizes,
}

impl Site<'_> {
    /// Writes a file whose name carries the hash of its content; returns its path.
    fn hashed(&mut self, stem: &str, extension: &str, content: &[u8]) -> Result<String> {
        let path = format!("assets/{stem}-{}.{extension}", short(&Sha256::digest(content)));
        self.write(&path, content)?;
        Ok(path)
    }

    /// Writes a file, and a brotli and a gzip copy beside it.
    fn write(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let to = self.out.join(path);
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::write(&to, content)?;

        let mut brotli = Vec::new();
        let parameters = brotli::enc::BrotliEncoderParams {
            quality: 11,
            lgwin: 22,
            size_hint: content.len(),
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &content[..], &mut brotli, &parameters)?;
        fs::write(self.out.join(format!("{path}.br")), &brotli)?;

        // By Zopfli: a few percent less than what gzip itself finds, and every gzip opens it.
        let mut gzip = Vec::new();
        zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, content, &mut gzip)?;
        fs::write(self.out.join(format!("{path}.gz")), &gzip)?;

        say(&format!(
            "{path:<44} {:>9} {:>9} {:>9}",
            content.len(),
            gzip.len(),
            brotli.len()
        ));
        self.total.raw += content.len();
        self.total.gzip += gzip.len();
        self.total.brotli += brotli.len();
        Ok(())
    }
}

/// Puts values in the place of `{{name}}`; a name left over is a mistake.
fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let filled = values.iter().fold(template.to_owned(), |t, (name, value)| {
        t.replace(&format!("{{{{{name}}}}}"), value)
    });
    ensure!(!filled.contains("{{"), "a placeholder is left in:\n{filled}");
    Ok(filled)
}

fn short(hash: &[u8]) -> String {
    hex::encode(&hash[..8])
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(walk(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
