//! Hands a text to the browser as a file.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

/// Lets the browser save a text under a name.
pub(crate) fn save(name: &str, text: &str) {
    let address = format!("data:text/plain;charset=utf-8,{}", crate::parts::link::encoded(text));
    let Ok(element) = document().create_element("a") else {
        return;
    };
    let _ = element.set_attribute("href", &address);
    let _ = element.set_attribute("download", name);
    if let Ok(element) = element.dyn_into::<web_sys::HtmlElement>() {
        element.click();
    }
}
