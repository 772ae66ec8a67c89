//! Where NATS is.

use licet_workers::NatsSettings;

#[derive(clap::Args)]
pub(super) struct NatsOptions {
    /// NATS servers with JetStream, with commas between them, to which every event is published.
    #[arg(long, env = "NATS_URL", hide_env_values = true, value_name = "URLS")]
    nats_url: Option<String>,
    /// On how many of these servers every event is kept.
    #[arg(long, env = "NATS_REPLICAS", default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=5))]
    nats_replicas: u8,
}

impl NatsOptions {
    pub(super) fn is_set(&self) -> bool {
        self.nats_url.is_some()
    }

    /// Its servers, one by one.
    pub(super) fn servers(&self) -> Vec<String> {
        let named = self.nats_url.as_deref().unwrap_or_default().split(',');
        let named = named.map(str::trim).filter(|url| !url.is_empty());
        named.map(str::to_owned).collect()
    }

    pub(super) fn settings(&self) -> Option<NatsSettings> {
        self.nats_url.clone().map(|servers| NatsSettings {
            servers,
            replicas: self.nats_replicas.into(),
        })
    }
}
