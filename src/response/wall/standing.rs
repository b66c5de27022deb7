//! Whether the wall stands here: found out by building it once around nothing.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::kinds::Surroundings;
use super::{process, rights};

/// After this time a lack is looked for again.
const AGAIN: Duration = Duration::from_secs(60);

/// What this kernel can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Steps that read may run by themselves.
    Holds {
        /// The version of Landlock that is enforced.
        landlock: u32,
        /// The kernel's release.
        kernel: String,
    },
    /// They ask like steps that write.
    Lacks {
        /// What is missing and what to do, in words.
        reason: String,
    },
}

impl Standing {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { landlock, kernel } => {
                write!(
                    f,
                    "stands: name spaces, Landlock {landlock}, seccomp (Linux {kernel}): steps that read run by themselves"
                )
            }
            Self::Lacks { reason } => {
                write!(f, "does not stand, so steps that read ask like those that write: {reason}")
            }
        }
    }
}

/// What this kernel can hold for this process; tried once, in some ten milliseconds, and remembered. That it does not hold is
/// remembered for a minute: a lack of memory or processes passes, and an administrator may have mended the rest.
#[must_use]
pub fn standing() -> Standing {
    static FOUND: Mutex<Option<(Instant, Standing)>> = Mutex::new(None);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((when, known)) = &*found
        && (known.holds() || when.elapsed() < AGAIN)
    {
        return known.clone();
    }
    let now = standing_of(&Surroundings::default().program);
    *found = Some((Instant::now(), now.clone()));
    now
}

/// What this kernel can hold for `program`; tried anew.
#[must_use]
pub fn standing_of(program: &Path) -> Standing {
    match process::attempt(program) {
        Ok(()) => {
            let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
            Standing::Holds { landlock: rights::LANDLOCK, kernel }
        }
        Err(reason) => Standing::Lacks { reason },
    }
}
