//! Programs, run as the person who approved: words without a shell, a clean environment, a process group of their own.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::{Executor, Reach, Watch, is_odd};
use crate::event::{Fingerprint, Outcome, Plan, Purpose, Request, Target, Untrusted};
use crate::response::hook::environment;
use crate::response::runbook::TARGET;
use crate::response::wall;

/// How long a program may run where its step does not say.
pub(in crate::response) const USUAL: Duration = Duration::from_secs(300);
/// How long it has to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(3);
/// How often to look.
const TURN: Duration = Duration::from_millis(50);
/// What is kept of what it says: the end of it.
const KEPT: usize = 32 * 1024;
/// The last lines of what a freeze says are kept: whom it holds.
const HELD: usize = 40;
/// So many of several targets may fail before the rest is left alone, where more than that are asked.
const MOST_FAILED: u32 = 1;

/// Runs programs.
pub struct ProcessExecutor {
    /// Variables of our environment that programs get besides `PATH`, `HOME` and `LANG`, such as `KUBECONFIG`.
    keep: Vec<String>,
    surroundings: wall::Surroundings,
}

impl ProcessExecutor {
    /// Programs get these variables of ours and no others; what lists a plan's targets runs behind the wall with
    /// `surroundings`.
    #[must_use]
    pub fn new(keep: Vec<String>, surroundings: wall::Surroundings) -> Self {
        Self { keep, surroundings }
    }
}

impl Executor for ProcessExecutor {
    fn takes(&self, plan: &Plan) -> bool {
        matches!(plan.request, Request::Process { .. })
    }

    fn resolve(&self, plan: &Plan, _members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        let targets = match &plan.found_by {
            None => plan.targets.clone(),
            Some(request) => {
                let mut around = self.surroundings.clone();
                around.hosts.extend(plan.traits.iter().flat_map(|traits| &traits.hosts).filter_map(host_port));
                find_targets(request, &around)?
            }
        };
        Ok(Reach { targets, outside: 0, critical: 0, odd_text: is_odd(plan) })
    }

    fn send(&self, plan: &Plan, watch: &mut dyn Watch) -> Outcome {
        let Request::Process { argv } = &plan.request else {
            return Outcome::Failed { error: "this is no program; nothing was run".into() };
        };
        let limit = match plan.traits.as_ref().map_or(0, |traits| traits.seconds) {
            0 => USUAL,
            seconds => Duration::from_secs(seconds.into()),
        };
        if !argv.iter().any(|word| word.raw() == TARGET) {
            return self.run(argv, plan, limit, watch);
        }
        let (mut done, mut failed) = (0, 0);
        let mut why = String::new();
        for target in &plan.targets {
            if let Some(stop) = watch.stop() {
                why = stop;
                break;
            }
            if failed > MOST_FAILED {
                why = format!("it failed {failed} times, so the rest was left alone");
                break;
            }
            let words: Vec<Untrusted> =
                argv.iter().map(|word| if word.raw() == TARGET { target.name.clone() } else { word.clone() }).collect();
            let outcome = self.run(&words, plan, limit, watch);
            match outcome {
                Outcome::Done { .. } => done += 1,
                _ => failed += 1,
            }
            if !watch.ended(target, &outcome) {
                "how it went could not be recorded, so nothing more was sent".clone_into(&mut why);
                break;
            }
        }
        let all = u32::try_from(plan.targets.len()).unwrap_or(u32::MAX);
        match (done, failed) {
            (done, 0) if done == all => Outcome::Done { receipt: format!("done for all {all}").into() },
            (0, 0) => Outcome::Failed { error: format!("{why}; nothing was run").into() },
            _ => {
                if why.is_empty() {
                    why = format!("it failed for {failed} of {all}");
                }
                Outcome::Partly { done, failed, untouched: all - done - failed, why: why.into() }
            }
        }
    }

    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        bail!(
            "whether a program did its work cannot be looked up from here: look at what it works on; {}",
            plan.undo.raw()
        )
    }
}

impl ProcessExecutor {
    fn run(&self, argv: &[Untrusted], plan: &Plan, limit: Duration, watch: &dyn Watch) -> Outcome {
        let failed = |error: String| Outcome::Failed { error: error.into() };
        let mut child = match self.start(argv, plan) {
            Ok(child) => child,
            Err(error) => return failed(format!("{error:#}; nothing was run")),
        };
        let said = Said::of(&mut child);
        let began = Instant::now();
        let (ended, stopped) = loop {
            match child.try_wait() {
                Ok(Some(status)) => break (status, None),
                Ok(None) => {}
                Err(error) => return unknown(format!("it cannot be told whether it ended ({error})")),
            }
            let stop = watch
                .stop()
                .or_else(|| (began.elapsed() > limit).then(|| format!("it ran longer than {} s", limit.as_secs())));
            if let Some(stop) = stop {
                match end(&mut child) {
                    Ok(status) => break (status, Some(stop)),
                    Err(error) => return unknown(format!("{stop}; ending it failed ({error})")),
                }
            }
            std::thread::sleep(TURN);
        };
        let last = said.last();
        match stopped {
            // Whom it holds, a line each.
            None if ended.success() && matches!(plan.purpose, Purpose::Freeze { .. }) => {
                Outcome::Done { receipt: format!("exit 0: {}", said.lines(HELD)).into() }
            }
            Some(stop) => unknown(format!("{stop}, so it was ended where it was; it last said: {last}")),
            None if ended.success() => Outcome::Done { receipt: format!("exit 0: {last}").into() },
            None => {
                failed(format!("{}: {last}; by its own word it failed, and what it did before that it did", how(ended)))
            }
        }
    }

    fn start(&self, argv: &[Untrusted], plan: &Plan) -> anyhow::Result<Child> {
        let Some((program, words)) = argv.split_first() else { bail!("the plan names no program") };
        let program = wall::program(program.raw()).map_err(anyhow::Error::msg)?;
        let folder = tempfile::tempdir().context("there is no room for a folder to run in")?;
        let mut command = Command::new(program);
        command
            .args(words.iter().map(Untrusted::raw))
            .env_clear()
            .env("PATH", wall::PATH)
            .env("LANG", "C.UTF-8")
            .env("WARROOM_PLAN", plan.id().to_string())
            .env("WARROOM_IDEMPOTENCY_KEY", plan.idempotency_key.raw())
            .envs(environment(plan))
            .envs(self.keep.iter().chain([&"HOME".to_owned()]).filter_map(|name| Some((name, std::env::var_os(name)?))))
            .current_dir(folder.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().with_context(|| format!("{} cannot be started", command.get_program().display()))
    }
}

/// `host:port` as the wall takes it.
pub(in crate::response) fn host_port(text: &Untrusted) -> Option<(String, u16)> {
    let (host, port) = text.raw().rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// The targets that a reading command lists, one a line.
pub(in crate::response) fn find_targets(request: &Request, around: &wall::Surroundings) -> anyhow::Result<Vec<Target>> {
    /// The most targets one plan may name.
    const MOST: usize = 5_000;
    let read = wall::read(request, around, &mut |_| {}, &|| false)?;
    ensure!(
        read.ended.is_well() && read.output.len() as u64 == read.output_bytes,
        "what it would touch cannot be listed ({:?}): {}",
        read.ended,
        String::from_utf8_lossy(&read.output).lines().last().unwrap_or_default()
    );
    let text = String::from_utf8(read.output).context("the list of targets is not text")?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let targets: Vec<Target> = lines.map(|line| Target { kind: "target".into(), name: line.into() }).collect();
    ensure!(!targets.is_empty(), "nothing is there that it would touch");
    ensure!(targets.len() <= MOST, "it would touch {} things; one plan may name {MOST}", targets.len());
    if let Some(dash) = targets.iter().find(|target| target.name.raw().starts_with('-')) {
        bail!("the target {:?} would be taken for an option", dash.name.raw());
    }
    Ok(targets)
}

/// What a program says: the last of it.
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn of(child: &mut Child) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let out = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>);
        let err = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>);
        for mut pipe in out.into_iter().chain(err) {
            let kept = Arc::clone(&kept);
            // It ends with the pipe. Nobody waits for it: a grandchild may hold the pipe for ever.
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(read @ 1..) = pipe.read(&mut piece) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&piece[..read]);
                    let over = kept.len().saturating_sub(KEPT);
                    kept.drain(..over);
                }
            });
        }
        Self(kept)
    }

    /// The last line that says something.
    fn last(&self) -> String {
        // What it said just before it ended is still on its way through the pipe.
        std::thread::sleep(TURN);
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
        last.chars().take(400).collect()
    }

    /// The last lines that say something, at most so many.
    fn lines(&self, most: usize) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines.len() {
            0 => "nothing".to_owned(),
            all if all > most => format!("… {} lines before\n{}", all - most, lines[all - most..].join("\n")),
            _ => lines.join("\n"),
        }
    }
}

/// Asks the whole group to end, then ends it.
fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::InvalidInput)?;
    let _ = kill_process_group(group, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if let Some(status) = child.try_wait()? {
            let _ = kill_process_group(group, Signal::KILL);
            return Ok(status);
        }
        std::thread::sleep(TURN);
    }
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn unknown(check: String) -> Outcome {
    Outcome::Unknown { check: check.into() }
}
