//! What this terminal, this kernel and this process can do.

use std::io::IsTerminal as _;

use super::Check;

/// Fewer open files than this may not hold a storm of senders.
const FILES: u64 = 4_096;

/// Every check that needs no configuration.
pub(super) fn checks() -> Vec<Check> {
    vec![terminal(), colours(), locale(), files(), kernel(), wall(), person()]
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn terminal() -> Check {
    if !std::io::stdout().is_terminal() {
        return Check::note("terminal", "standard output is none: the console would print plain lines");
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout())
        .map_or_else(|_| "size unknown".to_owned(), |size| format!("{}×{}", size.ws_col, size.ws_row));
    match variable("TERM").as_deref() {
        None | Some("dumb") => Check::note(
            "terminal",
            format!(
                "{size}, TERM is unset or dumb: the console prints plain lines; set TERM=xterm-256color, or your own"
            ),
        ),
        Some(term) => Check::good(
            "terminal",
            format!("{size}, TERM={term}{}", if variable("TMUX").is_some() { ", inside tmux" } else { "" }),
        ),
    }
}

fn colours() -> Check {
    if variable("NO_COLOR").is_some() {
        return Check::good("colours", "none, as NO_COLOR asks");
    }
    let depth = match (variable("COLORTERM").as_deref(), variable("TERM").as_deref()) {
        (Some("truecolor" | "24bit"), _) => "true colour",
        (_, Some(term)) if term.contains("256color") => "256",
        (_, Some("dumb") | None) => "none",
        (_, Some(_)) => "16",
    };
    Check::good("colours", depth)
}

fn locale() -> Check {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let folded = locale.to_ascii_lowercase();
    if folded.contains("utf-8") || folded.contains("utf8") {
        Check::good("locale", locale)
    } else {
        let what = format!("\"{locale}\" is not UTF-8: the console draws with ASCII only; for more, set LANG=C.UTF-8");
        Check::note("locale", what)
    }
}

fn files() -> Check {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match most {
        Some(most) if most < FILES => Check::note(
            "open files",
            format!("at most {most}: in a storm some senders will have to come again; raise `ulimit -n`"),
        ),
        Some(most) => Check::good("open files", format!("up to {most}")),
        None => Check::good("open files", "no limit"),
    }
}

fn kernel() -> Check {
    match std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        Ok(release) => Check::good("kernel", format!("Linux {}", release.trim())),
        Err(error) => Check::note("kernel", format!("its release cannot be found out ({error})")),
    }
}

/// Whether steps that read are held by the kernel: tried, not guessed.
fn wall() -> Check {
    let standing = crate::response::wall::standing();
    let words = standing.to_string();
    if standing.holds() { Check::good("wall", words) } else { Check::note("wall", words) }
}

fn person() -> Check {
    let person = crate::response::person();
    Check::good("you are", format!("{} (by {}), {}", person.login.raw(), person.known_by.raw(), person.session.raw()))
}
