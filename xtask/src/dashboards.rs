//! `cargo xtask dashboards [OUT]`: writes the Grafana dashboards, one JSON file each (Grafana's classic model).
//!
//! What they show is in `dashboards/`; here is how a panel is written, so that all of them look alike.

mod admin;
mod containers;
mod database;
mod licenses;
mod overview;

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

/// The data source's name in `infra/grafana/provisioning/datasources`. File provisioning resolves no `${DS_…}`.
const SOURCE: &str = "licet-prometheus";
/// How wide Grafana's grid is.
const COLUMNS: u32 = 24;

/// A dashboard.
struct Dashboard {
    /// Names it in links and as a file.
    uid: &'static str,
    title: &'static str,
    panels: Vec<Panel>,
}

/// One picture.
struct Panel {
    title: &'static str,
    /// What it tells, for who has not seen it before.
    help: &'static str,
    /// Grafana's name of a unit, such as `s`.
    unit: &'static str,
    kind: Kind,
    /// Each a query and the legend of its lines.
    queries: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One number; red from the second on, where it has one.
    Number(Option<Threshold>),
    /// Lines over time.
    Lines,
}

/// From where on a number is bad.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Threshold {
    /// So much and more.
    Above(u32),
    /// Less than so much.
    Below(u32),
}

/// The numbers and lines of every dashboard, into a folder of their own.
pub(crate) fn write(out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    for dashboard in [
        overview::dashboard(),
        licenses::dashboard(),
        database::dashboard(),
        containers::dashboard(),
        admin::dashboard(),
    ] {
        let text = serde_json::to_string_pretty(&dashboard.json())?;
        fs::write(out.join(format!("{}.json", dashboard.uid)), text + "\n")?;
    }
    Ok(())
}

fn number(
    title: &'static str,
    unit: &'static str,
    bad: Option<Threshold>,
    query: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel {
        title,
        help: "",
        unit,
        kind: Kind::Number(bad),
        queries: query,
    }
}

fn lines(
    title: &'static str,
    unit: &'static str,
    help: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel {
        title,
        help,
        unit,
        kind: Kind::Lines,
        queries,
    }
}

impl Dashboard {
    fn json(&self) -> Value {
        let (mut x, mut y, mut below) = (0, 0, 0);
        let panels = self.panels.iter().enumerate().map(|(index, panel)| {
            let (width, height) = panel.size();
            if x + width > COLUMNS || height < below - y {
                (x, y) = (0, below);
            }
            let place = json!({ "x": x, "y": y, "w": width, "h": height });
            x += width;
            below = below.max(y + height);
            panel.json(index + 1, &place)
        });
        let panels: Vec<Value> = panels.collect();
        json!({
            "uid": self.uid,
            "title": self.title,
            "tags": ["licet"],
            "schemaVersion": 41,
            "editable": false,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "30s",
            "time": { "from": "now-3h", "to": "now" },
            "links": [{
                "type": "dashboards", "tags": ["licet"], "asDropdown": false, "includeVars": false, "keepTime": true,
                "targetBlank": false, "title": "", "tooltip": "", "icon": "", "url": "",
            }],
            "panels": panels,
        })
    }
}

impl Panel {
    fn size(&self) -> (u32, u32) {
        match self.kind {
            Kind::Number(_) => (4, 4),
            Kind::Lines => (8, 8),
        }
    }

    fn json(&self, id: usize, place: &Value) -> Value {
        let source = json!({ "type": "prometheus", "uid": SOURCE });
        let targets = self.queries.iter().zip('A'..).map(|((query, legend), letter)| {
            json!({
                "refId": letter.to_string(), "datasource": source, "expr": query, "legendFormat": legend,
                "instant": matches!(self.kind, Kind::Number(_)), "range": self.kind == Kind::Lines,
            })
        });
        let targets: Vec<Value> = targets.collect();
        let (kind, custom, options) = match self.kind {
            Kind::Number(_) => (
                "stat",
                json!({}),
                json!({ "colorMode": "value", "graphMode": "none", "reduceOptions": { "calcs": ["lastNotNull"], "values": false } }),
            ),
            Kind::Lines => (
                "timeseries",
                json!({ "drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false }),
                json!({
                    "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
                    "tooltip": { "mode": "multi", "sort": "desc" },
                }),
            ),
        };
        json!({
            "id": id,
            "type": kind,
            "title": self.title,
            "description": self.help,
            "datasource": source,
            "gridPos": place,
            "targets": targets,
            "fieldConfig": { "defaults": { "unit": self.unit, "min": 0, "custom": custom, "thresholds": self.thresholds() }, "overrides": [] },
            "options": options,
        })
    }

    fn thresholds(&self) -> Value {
        let steps = match self.kind {
            Kind::Number(Some(Threshold::Above(bad))) => {
                json!([{ "color": "green", "value": null }, { "color": "red", "value": bad }])
            }
            Kind::Number(Some(Threshold::Below(good))) => {
                json!([{ "color": "red", "value": null }, { "color": "green", "value": good }])
            }
            Kind::Number(None) | Kind::Lines => json!([{ "color": "green", "value": null }]),
        };
        json!({ "mode": "absolute", "steps": steps })
    }
}
