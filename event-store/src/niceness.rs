//! Lets others go first.

/// A tenth of a core where others want all of it, all that is left otherwise.
const NICENESS: i32 = 10;

/// This thread, and whatever it begins from now on, gives way to others.
pub fn give_way() {
    // Elsewhere it would be the whole process's.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
