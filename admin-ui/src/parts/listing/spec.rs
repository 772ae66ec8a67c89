//! What a list says of itself: its columns, its filters, and where the API has it.

use std::{any::Any, sync::Arc};

use leptos::prelude::*;
use licet_contracts::Page;
use serde::de::DeserializeOwned;

use crate::text::Text;

/// A column: what it is called, and what stands in it.
pub(crate) struct Column<T> {
    pub(crate) name: Text,
    pub(crate) cell: fn(&T) -> AnyView,
    /// Whether it is shown unless someone wants it.
    pub(crate) always: bool,
    /// By what the API orders the list after it.
    pub(crate) sort: Option<&'static str>,
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Column<T> {}

impl<T> Column<T> {
    pub(crate) const fn new(name: Text, cell: fn(&T) -> AnyView) -> Self {
        Self {
            name,
            cell,
            always: true,
            sort: None,
        }
    }

    /// One that is shown when it is chosen.
    pub(crate) const fn extra(name: Text, cell: fn(&T) -> AnyView) -> Self {
        Self {
            always: false,
            ..Self::new(name, cell)
        }
    }

    /// By which the list can be ordered.
    pub(crate) const fn sorted(self, sort: &'static str) -> Self {
        let sort = Some(sort);
        Self { sort, ..self }
    }
}

/// Whether something is in use.
pub(crate) const IN_USE: [&str; 2] = ["active", "retired"];

/// A filter: the API's parameter, what it is called, and what it can be.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) label: Text,
    pub(crate) values: Values,
}

/// What a filter can be.
#[derive(Clone)]
pub(crate) enum Values {
    /// One of these.
    Of(&'static [&'static str]),
    /// Whatever is typed.
    Typed,
    /// A day, for the API its beginning in UTC.
    Day,
}

impl Filter {
    pub(crate) const fn of(name: &'static str, label: Text, values: &'static [&'static str]) -> Self {
        let values = Values::Of(values);
        Self { name, label, values }
    }

    pub(crate) const fn typed(name: &'static str, label: Text) -> Self {
        let values = Values::Typed;
        Self { name, label, values }
    }

    pub(crate) const fn day(name: &'static str, label: Text) -> Self {
        let values = Values::Day;
        Self { name, label, values }
    }
}

/// What a list says of itself.
#[derive(Clone)]
pub(crate) struct Listed<T: 'static> {
    /// Which collection.
    pub(crate) path: &'static str,
    pub(crate) caption: Text,
    pub(crate) columns: Vec<Column<T>>,
    pub(crate) filters: Vec<Filter>,
    /// Whether the API takes `q`.
    pub(crate) searched: bool,
    /// By what it is ordered unless someone wants otherwise, newest first; none where the API has but one order.
    pub(crate) sort: Option<&'static str>,
    /// What to do where there is nothing yet.
    pub(crate) first_step: Text,
}

/// What can be done to whatever is picked: an order to each of them.
#[derive(Clone, Copy)]
pub(crate) struct Act {
    pub(crate) label: Text,
    pub(crate) permission: &'static str,
    /// The end of the address behind the thing's own.
    pub(crate) verb: &'static str,
    /// To which states it means something.
    pub(crate) applies: fn(&str) -> bool,
    /// The order that takes it back.
    pub(crate) back: Option<Back>,
}

/// An order that takes another one back.
#[derive(Clone, Copy)]
pub(crate) struct Back {
    pub(crate) verb: &'static str,
    pub(crate) applies: fn(&str) -> bool,
}

impl Back {
    pub(super) fn act(self, permission: &'static str) -> Act {
        Act {
            label: Text::Undone,
            permission,
            verb: self.verb,
            applies: self.applies,
            back: None,
        }
    }
}

/// How things are picked out of a list.
#[derive(Clone)]
pub(crate) struct Picking<T: 'static> {
    pub(crate) id: fn(&T) -> String,
    /// What one is called.
    pub(crate) label: fn(&T) -> String,
    pub(crate) acts: Vec<Act>,
}

/// An item, whatever it is: one list's code serves all of them, which a browser has to load.
pub(super) type Row = Arc<dyn Any + Send + Sync>;

/// A column of whatever items.
#[derive(Clone)]
pub(super) struct AnyColumn {
    pub(super) name: Text,
    pub(super) cell: Arc<dyn Fn(&Row) -> AnyView + Send + Sync>,
    pub(super) always: bool,
    pub(super) sort: Option<&'static str>,
}

/// An item's id, and what it is called.
pub(super) type Named = dyn Fn(&Row) -> (String, String) + Send + Sync;

/// How whatever items are picked.
#[derive(Clone)]
pub(super) struct AnyPicking {
    /// Its id, and what it is called.
    pub(super) named: Arc<Named>,
    pub(super) acts: Vec<Act>,
}

/// A list of whatever items.
#[derive(Clone)]
pub(super) struct Spec {
    pub(super) picking: Option<AnyPicking>,
    pub(super) path: &'static str,
    pub(super) caption: Text,
    pub(super) columns: Vec<AnyColumn>,
    pub(super) filters: Vec<Filter>,
    pub(super) searched: bool,
    pub(super) sort: Option<&'static str>,
    pub(super) first_step: Text,
    pub(super) read: fn(&str) -> Option<Page<Row>>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Listed<T> {
    pub(super) fn any(self, picking: Option<Picking<T>>) -> Spec {
        let picking = picking.map(|picking| AnyPicking {
            named: Arc::new(move |row| {
                let row = row.downcast_ref::<T>();
                row.map(|row| ((picking.id)(row), (picking.label)(row)))
                    .unwrap_or_default()
            }),
            acts: picking.acts,
        });
        let column = |column: Column<T>| AnyColumn {
            name: column.name,
            cell: Arc::new(move |row| row.downcast_ref::<T>().map(column.cell).into_any()),
            always: column.always,
            sort: column.sort,
        };
        Spec {
            picking,
            path: self.path,
            caption: self.caption,
            columns: self.columns.into_iter().map(column).collect(),
            filters: self.filters,
            searched: self.searched,
            sort: self.sort,
            first_step: self.first_step,
            read: rows::<T>,
        }
    }
}

fn rows<T: DeserializeOwned + Send + Sync + 'static>(text: &str) -> Option<Page<Row>> {
    let page: Page<T> = serde_json::from_str(text).ok()?;
    Some(Page {
        items: page.items.into_iter().map(|item| Arc::new(item) as Row).collect(),
        next_cursor: page.next_cursor,
        total: page.total,
        total_exact: page.total_exact,
    })
}
