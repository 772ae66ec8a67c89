//! A bare axum route that answers a fixed JSON: what HTTP alone costs here.

use axum::{Json, Router, routing::post};
use serde_json::json;

/// Serves it in a process of its own, until killed. The bench starts itself with this.
pub(crate) async fn serve() -> anyhow::Result<()> {
    use axum::serve::ListenerExt as _;
    let router = Router::new().route("/bare", post(async || Json(json!({ "valid": true, "code": "VALID" }))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener.tap_io(|stream| _ = stream.set_nodelay(true)), router).await?;
    Ok(())
}
