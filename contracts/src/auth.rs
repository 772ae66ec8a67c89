//! How operators get in, and what their sessions are.

use serde::{Deserialize, Serialize};

/// `POST /api/auth/setup`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"token": "…", "name": "Ada Example", "email": "ada@example.com", "password": "correct horse battery"})))]
pub struct SetUp {
    /// What the setup link carries.
    pub token: String,
    /// The operator's name; whoever was invited has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mail address, by which it signs in; whoever was invited has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "email"))]
    pub email: Option<String>,
    /// The password: 12 to 128 characters.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
}

/// `POST /api/auth/login`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogIn {
    /// The mail address.
    pub email: String,
    /// The password.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
}

/// What comes next on the way in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoggedIn {
    /// `totp`: a code is asked for; `enroll`: a second factor is to be enrolled; `done`: it is in.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::LoginStep))]
    pub next: String,
}

/// `POST /api/auth/totp`: one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GiveCode {
    /// Six digits of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_code: Option<String>,
}

/// A second factor that is proposed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrollment {
    /// The secret, for who types it: base32.
    pub secret: String,
    /// The address that apps read.
    pub otpauth_url: String,
    /// The same as a picture: an SVG document.
    pub qr_svg: String,
}

/// `POST /api/auth/totp/confirm`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmFactor {
    /// Six digits of the app.
    pub code: String,
}

/// Recovery codes, shown once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Ten of them, each good once.
    pub recovery_codes: Vec<String>,
}

/// Who is signed in, and until when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Who it is.
    pub operator: SignedInOperator,
    /// Whose data it sees.
    pub tenant: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// As which address it is seen.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub address: Option<String>,
    /// When it ends unless it is used before.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub idle_expires_at: String,
    /// When it ends at the latest.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedInOperator {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its mail address.
    pub email: String,
    /// What it is in the house.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::shapes::Role))]
    pub role: String,
    /// How many recovery codes are left.
    pub recovery_codes_left: usize,
}

/// `POST /api/auth/reauthenticate`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reauthenticate {
    /// The password.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub password: String,
}

/// `POST /api/auth/password`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The password so far.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub old: String,
    /// The one from now on: 12 to 128 characters.
    #[cfg_attr(feature = "openapi", schema(format = Password))]
    pub new: String,
}

/// An operator's token, for scripts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorToken {
    /// To be sent as `Authorization: Bearer`.
    pub token: String,
    /// When it ends; with the session, if that ends before.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}
