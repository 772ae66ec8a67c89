//! Operators as people are: with a browser, a password, and an app that shows codes.

use std::sync::Mutex;

use licet_event_store::Edge;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use crate::{Answer, Browser, Server, licet};

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

/// An operator who has set up everything.
pub struct Operator {
    /// What it signs in with.
    pub browser: Browser,
    /// Its mail address.
    pub email: String,
    /// Its recovery codes.
    pub recovery_codes: Vec<String>,
    totp: Totp,
    /// The newest step whose code was given.
    last_step: Mutex<u64>,
}

impl Operator {
    /// The first operator, by the link that the command prints.
    pub fn first(server: &Server, database_url: &str) -> Self {
        let token = setup_token(database_url);
        let body = json!({ "token": token, "name": "Ada Example", "email": "ada@example.com", "password": PASSWORD });
        Self::set_up(server, "ada@example.com", &body)
    }

    /// Whoever has a link, with what its form sends.
    pub fn set_up(server: &Server, email: &str, body: &serde_json::Value) -> Self {
        let browser = Browser::default();
        let answer = browser.send(server, "POST", "/api/auth/setup", body);
        assert_eq!((answer.status, answer.text("next")), (201, "enroll"), "{}", answer.body);
        let shown = browser.send(server, "POST", "/api/auth/totp/enroll", &json!({}));
        assert_eq!(shown.status, 200, "{}", shown.body);
        let secret = Secret::try_from_base32(shown.text("secret")).expect("the secret is base32");
        let totp = Builder::new()
            .with_secret(secret)
            .build()
            .expect("the secret makes codes");
        let mut operator = Self {
            browser,
            email: email.to_owned(),
            recovery_codes: vec![],
            totp,
            last_step: Mutex::new(0),
        };
        let code = json!({ "code": operator.code() });
        let confirmed = operator.browser.send(server, "POST", "/api/auth/totp/confirm", &code);
        assert_eq!(confirmed.status, 200, "{}", confirmed.body);
        let codes = confirmed.body["recovery_codes"].as_array().into_iter().flatten();
        operator.recovery_codes = codes.filter_map(|code| code.as_str().map(str::to_owned)).collect();
        operator
    }

    /// Invited by someone who may, and set up.
    pub fn invited(server: &Server, by: &Browser, role: &str) -> Self {
        let email = format!("{role}@example.com");
        let invitation = json!({ "name": format!("The {role}"), "email": email, "role": role });
        let invited = by.send(server, "POST", "/api/admin/operators", &invitation);
        assert_eq!(invited.status, 201, "{}", invited.body);
        let token = invited.text("setup_url").split("token=").nth(1).unwrap_or_default();
        Self::set_up(server, &email, &json!({ "token": token, "password": PASSWORD }))
    }

    /// A code that was not given before: of the step before the present one, the present one or the next, which are all
    /// good. Whoever needs more waits.
    ///
    /// # Panics
    ///
    /// Where the clock is before 1970.
    pub fn code(&self) -> String {
        let mut last = self.last_step.lock().expect("nobody panics with it");
        loop {
            let present = Edge::system().now().seconds().cast_unsigned() / 30;
            let step = (*last + 1).max(present - 1);
            if step <= present + 1 {
                *last = step;
                return self.code_of(step);
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// The code that was given last.
    pub fn spent_code(&self) -> String {
        self.code_of(*self.last_step.lock().expect("nobody panics with it"))
    }

    fn code_of(&self, step: u64) -> String {
        self.totp.generate(step * 30).to_string()
    }

    /// Gives the password in a browser.
    pub fn give_password(&self, server: &Server, browser: &Browser, password: &str) -> Answer {
        let body = json!({ "email": self.email, "password": password });
        browser.send(server, "POST", "/api/auth/login", &body)
    }

    /// Signs in once more, with both factors.
    pub fn sign_in(&self, server: &Server, browser: &Browser) -> Answer {
        let answer = self.give_password(server, browser, PASSWORD);
        assert_eq!((answer.status, answer.text("next")), (200, "totp"), "{}", answer.body);
        browser.send(server, "POST", "/api/auth/totp", &json!({ "code": self.code() }))
    }
}

/// What the link carries that the command prints.
pub fn setup_token(database_url: &str) -> String {
    let printed = licet(database_url)
        .args(["operators", "setup-link", "--json"])
        .output()
        .expect("the command runs");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("it prints JSON");
    let url = printed["setup_url"].as_str().unwrap_or_default();
    url.split("token=").nth(1).unwrap_or_default().to_owned()
}
