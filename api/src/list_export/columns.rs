//! What a list's file has for columns: the properties of its items, as the API's description names them.

use std::collections::HashMap;

use licet_event_store::columnar::{Column, Kind};
use serde_json::{Map, Value};

/// The columns of every list by its path.
pub(crate) type Columns = HashMap<String, Vec<Column>>;

/// Reads the columns of the back office's lists out of the API's description.
pub(crate) fn columns_of(document: &Value) -> Columns {
    let paths = document["paths"].as_object().into_iter().flatten();
    let columns = |(path, methods): (&String, &Value)| {
        let items = items_of(&methods["get"])?;
        let name = items.rsplit('/').next()?;
        let page = &document["components"]["schemas"][name];
        let mut columns = Vec::new();
        collect(document, page.pointer("/properties/items/items")?, &mut columns);
        Some((path.clone(), columns))
    };
    paths.filter_map(columns).collect()
}

/// What the pages of an operation are called in the description, where it is a back office's list.
pub(crate) fn items_of(operation: &Value) -> Option<&str> {
    let page = operation
        .pointer("/responses/200/content/application~1json/schema/$ref")?
        .as_str()?;
    let listed = page.contains("/Page_")
        && operation["parameters"]
            .as_array()?
            .iter()
            .any(|one| one["name"] == "limit");
    listed.then_some(page)
}

/// A schema's properties, those of its parts first.
fn collect(document: &Value, schema: &Value, columns: &mut Vec<Column>) {
    let schema = meant(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, columns);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flat_map(Map::iter) {
        let column = Column::new(name, kind(document, property));
        // Whatever tells what a row is stands in front.
        if matches!(&name[..], "id" | "activation_id" | "position") {
            columns.insert(0, column);
        } else {
            columns.push(column);
        }
    }
}

/// What a reference names.
fn meant<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str();
    let target = reference.and_then(|at| document.pointer(at.trim_start_matches('#')));
    target.unwrap_or(schema)
}

/// What a property holds besides nothing; whatever is no plain value is its JSON.
fn kind(document: &Value, property: &Value) -> Kind {
    let property = meant(document, property);
    let forms = ["oneOf", "anyOf"].iter().find_map(|name| property[*name].as_array());
    if let Some(forms) = forms {
        let mut forms = forms.iter().filter(|form| form["type"] != "null");
        return match (forms.next(), forms.next()) {
            (Some(only), None) => kind(document, only),
            _ => Kind::Text,
        };
    }
    let is = |name: &str| {
        let types = &property["type"];
        types == name
            || types
                .as_array()
                .is_some_and(|types| types.iter().any(|one| one == name))
    };
    if is("integer") {
        Kind::Integer
    } else if is("boolean") {
        Kind::Boolean
    } else if is("string") && property["format"] == "date-time" {
        Kind::Time
    } else {
        Kind::Text
    }
}
