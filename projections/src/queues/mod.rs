//! Work that follows from the log and is done outside: how far each consumer has come, and what is on its way. No rebuild
//! touches these tables, so that none sends anything again.

pub mod consumers;
pub mod deliveries;
pub mod mails;
