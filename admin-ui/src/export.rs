//! Hands files to the browser.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::parts::link::encoded;

/// Lets the browser save a text under a name.
pub(crate) fn save(name: &str, text: &str) {
    download(&format!("data:text/plain;charset=utf-8,{}", encoded(text)), name);
}

/// Has the browser fetch a file, as a link would, under a name of ours where there is one.
pub(crate) fn download(address: &str, name: &str) {
    let link = document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<web_sys::HtmlAnchorElement>().ok()) {
        link.set_href(address);
        link.set_download(name);
        link.click();
    }
}
