//! Use cases of operators: invited, signed in, kept out.

mod factor;
mod invite;
mod password;
mod sign_in;

pub use factor::{Enrollment, GivenCode};
pub use invite::{InvitedOperator, NewOperator};
pub use password::Hashing;
pub use sign_in::{LogIn, NextStep, SignInRules, SignedIn};

use licet_domain::ResourceRejection;

use crate::CommandError;

/// What hears who is not let in, whatever the reason.
pub(crate) fn login_failed() -> CommandError {
    CommandError::Resource(ResourceRejection::Conflict {
        code: "LOGIN_FAILED",
        detail: "address, password or code are wrong, or it was tried too often",
    })
}
