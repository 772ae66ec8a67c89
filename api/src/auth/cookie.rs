//! Cookies of browsers, and what keeps other sites from using them.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, request::Parts};

use super::address::comes_by_trusted_proxy;
use crate::{
    App,
    extract::header,
    problem::{Problem, Result},
};

/// Holds a session's token.
const SESSION: &str = "licet";
/// Proves that a browser knew an operator before.
const BROWSER: &str = "licet-browser";
/// How long a browser is known, in seconds.
const BROWSER_SECONDS: i64 = 180 * 86_400;

/// What came in a request's cookies, and how they came.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    pub(crate) session: Option<String>,
    pub(crate) browser: Option<String>,
    /// Whether the browser speaks TLS, to a proxy that is trusted.
    secure: bool,
}

impl Cookies {
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let secure = is_secure(parts, app);
        let find = |name: &str| find(&parts.headers, &full(name, secure));
        Self {
            session: find(SESSION),
            browser: find(BROWSER),
            secure,
        }
    }

    /// Makes the browser keep a session's token until its end.
    pub(crate) fn keep_session(&self, headers: &mut HeaderMap, token: &str, seconds: i64) {
        self.set(headers, SESSION, token, seconds);
    }

    /// Makes the browser forget the session.
    pub(crate) fn forget_session(&self, headers: &mut HeaderMap) {
        self.set(headers, SESSION, "", 0);
    }

    /// Makes the browser known.
    pub(crate) fn keep_browser(&self, headers: &mut HeaderMap, proof: &str) {
        self.set(headers, BROWSER, proof, BROWSER_SECONDS);
    }

    fn set(&self, headers: &mut HeaderMap, name: &str, value: &str, seconds: i64) {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = full(name, self.secure);
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append("set-cookie", cookie);
        }
    }
}

/// Whether the browser speaks TLS, as far as a trusted proxy says so.
fn is_secure(parts: &Parts, app: &App) -> bool {
    let scheme = header(&parts.headers, "x-forwarded-proto").filter(|_| comes_by_trusted_proxy(app, parts));
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Over TLS a cookie's name promises that no other host has set it.
fn full(name: &str, secure: bool) -> String {
    if secure {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

/// A cookie that came once. One that came twice was planted beside ours by someone: neither is believed.
fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
    let cookies = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|one| one.trim().split_once('='));
    let mut values = cookies.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then(|| value.to_owned())
}

/// The host that the browser has asked.
fn host<'a>(parts: &'a Parts, app: &App) -> &'a str {
    let forwarded = header(&parts.headers, "x-forwarded-host").filter(|_| comes_by_trusted_proxy(app, parts));
    forwarded.or_else(|| header(&parts.headers, "host")).unwrap_or_default()
}

/// Where browsers find this server: as it is set, or where this one asked.
pub(crate) fn site_of(parts: &Parts, app: &App) -> String {
    if let Some(url) = &app.settings.sign_in.public_url {
        return url.clone();
    }
    let scheme = if is_secure(parts, app) { "https" } else { "http" };
    format!("{scheme}://{}", host(parts, app))
}

/// Refuses what another site makes a browser send: by what browsers say of it, and by a header that no form can set.
pub(crate) fn expect_own_site(parts: &Parts, app: &App, by_cookie: bool) -> Result<()> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let site = header(&parts.headers, "sec-fetch-site");
    let foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let origin = header(&parts.headers, "origin").map(|origin| origin.split_once("://").unwrap_or_default().1);
    let elsewhere = origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(host(parts, app)));
    let marked = header(&parts.headers, "x-licet-request") == Some("1");
    if foreign || elsewhere || (by_cookie && !marked) {
        let detail = "A change by cookie comes from this site's own pages and carries X-Licet-Request: 1.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE_REFUSED", detail));
    }
    Ok(())
}
