//! What pages are made of.

pub(crate) mod action;
pub(crate) mod chart;
pub(crate) mod create;
pub(crate) mod dialog;
pub(crate) mod edit;
pub(crate) mod failure;
pub(crate) mod field;
pub(crate) mod history;
pub(crate) mod leaving;
pub(crate) mod link;
pub(crate) mod listing;
pub(crate) mod load;
pub(crate) mod manage;
pub(crate) mod order;
pub(crate) mod palette;
pub(crate) mod show;
pub(crate) mod title;
pub(crate) mod toast;
