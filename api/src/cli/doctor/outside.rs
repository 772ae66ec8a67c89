//! What a server reaches out to: whether anybody listens there.

use std::{
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use url::Url;

use super::Finding;
use crate::cli::serve;

/// How long a greeting may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Open files below which machines' connections run out first.
const FILES: u64 = 4_096;

pub(super) fn look(options: &serve::Options) -> Vec<Finding> {
    let nats = options.nats_servers();
    let nats = nats.iter().map(|server| reach("nats", server, 4222));
    let mail = options.smtp_url().map(|server| reach("mail", server, 587));
    nats.chain(mail).chain([files()]).collect()
}

/// Whether a connection to an address comes about. Its user and password are told to nobody.
fn reach(check: &'static str, address: &str, usual_port: u16) -> Finding {
    let whole = if address.contains("://") {
        address.to_owned()
    } else {
        format!("{check}://{address}")
    };
    let url = Url::parse(&whole).ok();
    let Some((host, port)) = url
        .as_ref()
        .and_then(|url| Some((url.host_str()?, url.port().unwrap_or(usual_port))))
    else {
        return Finding::problem(check, "its address cannot be read", "write it as scheme://host:port");
    };
    let bare = host.trim_matches(['[', ']']);
    let found = (bare, port).to_socket_addrs().map_err(|error| error.to_string());
    let greeted = found.and_then(|mut all| {
        let tried = all.next().ok_or_else(|| "the name has no address".to_owned())?;
        TcpStream::connect_timeout(&tried, PATIENCE).map_err(|error| error.to_string())
    });
    match greeted {
        Ok(_) => Finding::ok(check, format!("{host}:{port} answers")),
        Err(error) => {
            let detail = format!("nobody answers at {host}:{port}: {error}");
            Finding::warning(check, detail, "what goes there waits until it does")
        }
    }
}

fn files() -> Finding {
    // A server raises what it has up to what it may.
    match rlimit::Resource::NOFILE.get_hard() {
        Ok(most) if most < FILES => Finding::warning(
            "open files",
            format!("this user may open {most} at most"),
            "raise it with ulimit -n, or LimitNOFILE= of systemd",
        ),
        Ok(most) => Finding::ok("open files", format!("up to {most}")),
        Err(error) => Finding::warning("open files", error.to_string(), "see ulimit -n"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::cli::doctor::Status;

    #[test]
    fn who_listens_is_told_from_who_does_not_and_passwords_are_not_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = reach("nats", &format!("nats://user:hidden@127.0.0.1:{port}"), 4222);
        assert_eq!(answers.status, Status::Ok);
        assert_eq!(reach("nats", &format!("127.0.0.1:{port}"), 4222).status, Status::Ok);
        drop(listener);
        let silent = reach("nats", &format!("nats://user:hidden@127.0.0.1:{port}"), 4222);
        assert_eq!(silent.status, Status::Warning);
        assert!(!format!("{answers:?} {silent:?}").contains("hidden"));
    }
}
