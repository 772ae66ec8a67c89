//! The second factor: codes of six digits that change every 30 seconds (RFC 6238), and recovery codes.

use qrcode::{QrCode, render::svg};
use totp_rs::{Builder, Secret, Totp};

/// What is shown of a second factor that is proposed.
#[derive(Debug, Clone)]
pub struct Enrollment {
    /// The secret, for who types it: base32.
    pub secret: String,
    /// The address that apps read.
    pub otpauth_url: String,
    /// The same as a picture.
    pub qr_svg: String,
}

/// What someone gives who has shown the password.
#[derive(Debug, Clone)]
pub enum GivenCode {
    /// Six digits of the app.
    Code(String),
    /// A recovery code.
    Recovery(String),
}

/// The factor of a secret, under the name that apps show.
fn totp(secret: &[u8; 20], account: &str) -> Totp {
    let built = Builder::new()
        .with_secret(Secret::new_stack(*secret))
        // One step before and after, for clocks that differ.
        .with_skew(1)
        .with_issuer(Some("Licet"))
        .with_account_name(account.replace(':', " "))
        .build();
    built.expect("twenty bytes are a secret, and a name without a colon is an account")
}

impl Enrollment {
    pub(super) fn of(secret: &[u8; 20], account: &str) -> Self {
        let totp = totp(secret, account);
        let otpauth_url = totp.to_url().expect("it has an account");
        let code = QrCode::new(&otpauth_url).expect("a picture holds more than an address of mail");
        Self {
            secret: totp.secret().to_base32(),
            qr_svg: code.render::<svg::Color<'_>>().min_dimensions(200, 200).build(),
            otpauth_url,
        }
    }
}

/// The step of time of a code that is right; `None` for one that is wrong.
pub(super) fn step_of(code: &str, secret: &str, seconds: i64) -> Option<u64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let secret: [u8; 20] = hex::decode(secret).ok()?.try_into().ok()?;
    totp(&secret, "operator").check(&digits, seconds.cast_unsigned())
}

/// A recovery code as it is typed: 16 hexadecimal digits in four groups.
pub(super) fn recovery_code(bytes: [u8; 8]) -> String {
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..])
}

/// A recovery code without what people put in between.
pub(super) fn plain(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_right_for_its_step_and_one_beside_it() {
        let secret = [7; 20];
        let code = totp(&secret, "a").generate(1_800_000_000).to_string();
        let step = |seconds| step_of(&code, &hex::encode(secret), seconds);
        assert_eq!(step(1_800_000_000), Some(60_000_000));
        assert_eq!(step(1_800_000_030), Some(60_000_000), "the step is the code's");
        assert_eq!(step(1_800_000_090), None);
        for wrong in ["", "12345", "abcdef", "１２３４５６"] {
            assert_eq!(step_of(wrong, &hex::encode(secret), 1_800_000_000), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_reads_what_is_proposed() {
        let shown = Enrollment::of(&[7; 20], "ada@example.com");
        assert!(
            shown.otpauth_url.starts_with("otpauth://totp/Licet:ada%40example.com?"),
            "{}",
            shown.otpauth_url
        );
        assert!(shown.otpauth_url.contains(&shown.secret) && shown.qr_svg.contains("<svg"));
    }

    #[test]
    fn a_recovery_code_reads_the_same_however_it_is_typed() {
        let code = recovery_code([1, 2, 3, 4, 5, 6, 7, 255]);
        assert_eq!(code, "0102-0304-0506-07ff");
        assert_eq!(plain(" 0102 0304-0506 07FF"), plain(&code));
    }
}
