//! What pages are made of.

pub(crate) mod action;
pub(crate) mod dialog;
pub(crate) mod edit;
pub(crate) mod failure;
pub(crate) mod field;
pub(crate) mod history;
pub(crate) mod leaving;
pub(crate) mod link;
pub(crate) mod listing;
pub(crate) mod palette;
pub(crate) mod show;
pub(crate) mod title;
pub(crate) mod toast;
