//! `./dev stack`: all of it on this machine, as `infra/` sets it up.

use licet_test_support::{API_KEY, Pace, setup_token};

use crate::scene::Scene;

pub(crate) fn run() {
    let scene = Scene::set(Pace::AsShipped);
    let nodes = scene.targets.licet.join(" and ");
    println!(
        "Licet is running, with all that belongs to it (end with Ctrl-C, which deletes it).

  Browser app      {}/setup?token={}   (sets up the first operator)
  API key          {API_KEY}
  Licet            {nodes}
  nginx            {}   (its certificate is its own)
  NATS             {}
  PostgreSQL       {}
  Prometheus       {}
  Alertmanager     {}

Not here, because they cannot be had: Grafana, cAdvisor, the exporter of NATS (docs/MONITORING.md).",
        scene.nginx.tls,
        setup_token(&scene.url),
        scene.nginx.tls,
        scene.nats.url,
        scene.url,
        scene.monitoring.prometheus,
        scene.monitoring.alertmanager,
    );
    scene.runtime.block_on(tokio::signal::ctrl_c()).unwrap();
}
