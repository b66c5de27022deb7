//! Who may come in: bearer tokens and signatures, compared in constant time, wrong ones limited.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::intake::limits;

/// A bearer token, kept as its digest.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// The token `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// A key for signatures.
#[derive(Clone)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// The key `secret`.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(secret.as_bytes().into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// Why somebody stays outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// No token, or a wrong one.
    Wrong,
    /// So many wrong ones lately that this one is not explained.
    TooMany,
    /// Nothing is set by which this sender could be known.
    NotConfigured,
}

/// The door.
pub(super) struct Door {
    token: Option<Token>,
    pagerduty: Vec<Key>,
    wrong: Mutex<Wrong>,
}

struct Wrong {
    since: Instant,
    count: u64,
}

/// Wrong tokens are counted over this time.
const WINDOW: Duration = Duration::from_secs(10);

impl Door {
    pub fn new(token: Option<Token>, pagerduty: Vec<Key>) -> Self {
        Self { token, pagerduty, wrong: Mutex::new(Wrong { since: Instant::now(), count: 0 }) }
    }

    /// By the token in the head; nothing else of the request is looked at.
    pub fn by_token(&self, headers: &HeaderMap) -> Result<(), Outside> {
        let Some(expected) = &self.token else { return Ok(()) };
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let given = match given.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
            _ => b"",
        };
        // Digests have one length, so neither length nor content of the token shows in the time this takes.
        let given: [u8; 32] = Sha256::digest(given).into();
        if bool::from(given.ct_eq(&expected.0)) { Ok(()) } else { Err(self.one_more()) }
    }

    /// By `PagerDuty`'s signature over the bytes of the body as they came: `v1=<hex>`, several while secrets change.
    pub fn by_signature(&self, header: Option<&str>, body: &[u8]) -> Result<(), Outside> {
        if self.pagerduty.is_empty() {
            return Err(Outside::NotConfigured);
        }
        let given = header.unwrap_or_default().split(',').filter_map(|one| one.trim().strip_prefix("v1="));
        let given: Vec<Vec<u8>> =
            given.take(limits::size(limits::SIGNATURES)).filter_map(|digits| hex::decode(digits).ok()).collect();
        let signed = |key: &Key| {
            // Any length of key is allowed by HMAC, so this cannot fail.
            Hmac::<Sha256>::new_from_slice(&key.0).is_ok_and(|mac| {
                let mac = mac.chain_update(body);
                given.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
            })
        };
        if self.pagerduty.iter().any(signed) { Ok(()) } else { Err(self.one_more()) }
    }

    fn one_more(&self) -> Outside {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.since.elapsed() > WINDOW {
            *wrong = Wrong { since: Instant::now(), count: 0 };
        }
        wrong.count += 1;
        if wrong.count > limits::WRONG_TOKENS { Outside::TooMany } else { Outside::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(value: &str) -> HeaderMap {
        [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn only_the_right_token_opens_and_many_wrong_ones_do_not_shut_it_out() {
        let door = Door::new(Some(Token::of("s3cret")), vec![]);
        for wrong in
            ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crett", "Basic s3cret", "s3cret", "Bearer \u{7f}"]
        {
            let head = wrong.parse().map(|value| [(AUTHORIZATION, value)].into_iter().collect()).unwrap_or_default();
            assert_eq!(door.by_token(&head), Err(Outside::Wrong), "{wrong}");
        }
        assert_eq!(door.by_token(&HeaderMap::new()), Err(Outside::Wrong));
        for _ in 0..limits::WRONG_TOKENS {
            let _ = door.by_token(&head("Bearer x"));
        }
        assert_eq!(door.by_token(&head("Bearer x")), Err(Outside::TooMany));
        assert_eq!(door.by_token(&head("bearer s3cret")), Ok(()));
        assert_eq!(Door::new(None, vec![]).by_token(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn a_signature_counts_over_the_bytes_as_they_came_under_any_of_the_secrets() {
        let sign = |key: &str, body: &[u8]| {
            let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(body);
            format!("v1={}", hex::encode(mac.finalize().into_bytes()))
        };
        let body = br#"{"event": {"id":"1"}}"#;
        let door = Door::new(None, vec![Key::of("old"), Key::of("new")]);
        let (old, new) = (sign("old", body), sign("new", body));
        for good in [&old, &new, &format!("v1=00,{new}"), &format!("{} , {old}", sign("other", body))] {
            assert_eq!(door.by_signature(Some(good), body), Ok(()));
        }
        let again = sign("new", br#"{"event":{"id":"1"}}"#);
        for bad in [None, Some(""), Some("v1="), Some(&old[3..]), Some(again.as_str()), Some("v2=aa"), Some(&old[..20])]
        {
            assert_eq!(door.by_signature(bad, body), Err(Outside::Wrong), "{bad:?}");
        }
        assert_eq!(Door::new(None, vec![]).by_signature(Some(&old), body), Err(Outside::NotConfigured));
    }
}
