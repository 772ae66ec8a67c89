//! Use cases of operators: invited, signed in, kept out.

mod browser;
mod change;
mod enroll;
mod factor;
mod invite;
mod password;
mod reauthenticate;
mod set_up;
mod sign_in;

pub use browser::KnownBrowser;
pub use change::OperatorChange;
pub use factor::{Enrollment, GivenCode};
pub use invite::{InvitedOperator, NewOperator};
pub use password::Hashing;
pub use set_up::{NewOwner, SetupLink};
pub use sign_in::{LogIn, NextStep, OperatorPerson, SignInRules, SignedIn};

use licet_domain::{ResourceRejection, operator::LOGIN_FAILED, values::Email};

use crate::CommandError;

/// What the claim on an address is called.
const EMAIL_CLAIM: &str = "operator_email";

/// What hears who is not let in, whatever the reason.
fn login_failed() -> CommandError {
    CommandError::Resource(LOGIN_FAILED)
}

/// What hears who gave no code that is good, whatever the reason.
fn code_invalid() -> CommandError {
    CommandError::Resource(ResourceRejection::NotAuthenticated {
        code: "CODE_INVALID",
        detail: "this code is wrong, or was used already",
    })
}

/// The one way in which an address is claimed and looked up, however it is written; what is no address names nobody.
fn login_name(email: &str) -> String {
    let ascii = Email::parse(email).map(|email| email.to_ascii());
    ascii.unwrap_or_else(|_| email.trim().to_owned()).to_lowercase()
}
