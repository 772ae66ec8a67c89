//! What a browser sends: its cookies, and what marks its requests as the site's own.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use crate::{Answer, Server};

/// A browser without pages: it keeps cookies, and sends them to one server at a time.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser {
    /// Sends a request as the site's own pages do.
    pub fn send(&self, server: &Server, method: &str, path: &str, body: &Value) -> Answer {
        self.send_with(server, method, path, &[], body)
    }

    /// The same with further headers.
    pub fn send_with(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut all = vec![("x-licet-request", "1"), ("sec-fetch-site", "same-origin")];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = server.send_with(method, path, &all, body.as_bytes());
        self.keep(&answer);
        answer
    }

    /// Reads something.
    pub fn get(&self, server: &Server, path: &str) -> Answer {
        self.send(server, "GET", path, &Value::Null)
    }

    /// One of its cookies.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// Puts a cookie into it, as a thief would.
    pub fn plant(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.borrow();
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&self, answer: &Answer) {
        for line in &answer.cookies {
            let pair = line.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let mut cookies = self.cookies.borrow_mut();
                if value.is_empty() {
                    cookies.remove(name);
                } else {
                    cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
    }
}
