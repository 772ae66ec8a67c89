//! `licet operators`: the way back in for whoever has the database. Each command stands in the audit log.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use licet_commands::{
    CacheSizes, Context, Platform,
    operator::{OperatorChange, SetupLink},
};
use licet_domain::{
    operation::{OperationEvent, OperatorsListed},
    operator::Operator,
};
use licet_event_store::{Edge, LogTasks, Tenant, vault::Vault};
use licet_projections::{PageRequest, Reader, resources};
use serde::Serialize;
use serde_json::json;

use super::{Location, Output, database, sign_in::base_url};
use crate::secrets;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print a link that makes an owner, good once within a day.
    SetupLink {
        /// Where browsers find the server.
        #[arg(long, env = "LIZENZSERVER_BASE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL", value_parser = base_url)]
        public_url: String,
    },
    /// List the operators.
    List,
    /// Forget an operator's failures to sign in.
    Unlock {
        /// The mail address that it signs in by.
        email: String,
    },
    /// Let people sign in again from a blocked address or network.
    Unblock {
        /// The network as it was blocked, or an address, which unblocks every range around it.
        network: String,
    },
    /// Take an operator's second factor away; the next sign-in enrolls another one.
    DisableTotp {
        /// The mail address that it signs in by.
        email: String,
    },
}

/// What is told of an operator.
#[derive(Serialize)]
struct Listed {
    name: String,
    email: String,
    role: &'static str,
    disabled: bool,
    has_password: bool,
    has_second_factor: bool,
    locked_until: Option<String>,
}

pub(super) async fn run(location: Location, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let (platform, _tasks, _database) = open(&location).await?;
    match command {
        Command::SetupLink { public_url } => {
            let first = !platform.has_operators(&Tenant::default()).await?;
            let link = if first { SetupLink::First } else { SetupLink::Rescue };
            let token = platform.setup_token(&context(&platform), link).await?;
            let url = format!("{public_url}/setup?token={token}");
            output.result(&json!({ "setup_url": url }), |_| url.clone());
        }
        Command::List => list(&platform, output).await?,
        Command::Unlock { email } => {
            change(&platform, &email, &OperatorChange::Unlock).await?;
            output.result(&json!({ "unlocked": email }), |_| format!("{email} may try again"));
        }
        Command::Unblock { network } => {
            let unblocked = platform.unblock_addresses(&context(&platform), &network).await?;
            output.result(&json!({ "unblocked": unblocked }), |_| match unblocked {
                0 => format!("{network} is not blocked"),
                _ => format!("people may sign in from {network} again"),
            });
        }
        Command::DisableTotp { email } => {
            change(&platform, &email, &OperatorChange::ResetFactor).await?;
            output.result(&json!({ "reset": email }), |_| {
                format!("{email} enrolls a new second factor at the next sign-in; its sessions are over")
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The commands' parts; the cluster stops once they are dropped.
async fn open(location: &Location) -> anyhow::Result<(Arc<Platform>, LogTasks, database::Database)> {
    let edge = Edge::system();
    let database = database::open_existing(location, &edge)?;
    let secret = secrets::secret_key(database::kept_in(location, &edge))?;
    let (log, tasks) = database::open_log(location, &database).await?;
    let vault = Vault::new(log.pool().clone(), &secret, edge.clone());
    Ok((Platform::new(log, vault, edge, CacheSizes::default()), tasks, database))
}

/// For what whoever has the database does.
pub(super) fn context(platform: &Platform) -> Context {
    let edge = &platform.edge;
    Context::system("licet operators", Tenant::default(), edge.now(), edge.id())
}

async fn list(platform: &Platform, output: Output) -> anyhow::Result<()> {
    let context = context(platform);
    let event = OperationEvent::OperatorsListed(OperatorsListed { at: context.now });
    platform
        .record_operation(&context, &context.command_id.to_string(), &event)
        .await?;
    let request = PageRequest {
        retired: None,
        ..PageRequest::first(1_000)
    };
    let reader = Reader::new(platform.log.clone());
    let page = resources::list::<Operator>(&reader, &context.tenant, None, &request).await?;
    let mut listed = Vec::new();
    for row in page.items {
        // The list may be behind; what is told of each is not.
        let known = platform.of::<Operator>().fresh(&context.tenant, row.id).await?;
        let Some(facts) = known.state.facts() else { continue };
        let person = platform.operator_person(&context.tenant, facts).await?;
        listed.push(Listed {
            name: person.name,
            email: person.email,
            role: facts.role.as_str(),
            disabled: facts.disabled,
            has_password: facts.password.is_some(),
            has_second_factor: facts.factor.is_some(),
            locked_until: facts.locked_until(None, context.now).map(|until| until.to_string()),
        });
    }
    output.result(&listed, |listed| {
        let line = |one: &Listed| {
            let state = match one {
                one if one.disabled => "disabled",
                one if !one.has_password => "invited",
                one if one.locked_until.is_some() => "locked",
                one if !one.has_second_factor => "no second factor",
                _ => "active",
            };
            format!("{:<8} {:<17} {} <{}>", one.role, state, one.name, one.email)
        };
        if listed.is_empty() {
            return "There is no operator yet; `licet operators setup-link` makes a link for the first one.".to_owned();
        }
        listed.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

async fn change(platform: &Platform, email: &str, change: &OperatorChange) -> anyhow::Result<()> {
    let context = context(platform);
    let Some(id) = platform.operator_by_email(&context, email).await? else {
        bail!("there is no operator {email:?}; `licet operators list` shows who there is");
    };
    let done = platform
        .change_operator(&context, id, change, &[], &|_| true, &|_| String::new())
        .await;
    done.map(drop).context("changing the operator")
}
