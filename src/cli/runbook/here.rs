//! What this person on this host has, looked at once and within a bounded time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::cli::config::Config;
use crate::response::runbook::{Here, Host, Mode, Runbook};
use crate::response::wall;

/// Looking a host up and calling it takes at most so long.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many different hosts are tried.
const MAX_HOSTS: usize = 64;

/// This host, as the configuration has it.
pub(super) struct ThisHost {
    hosts: BTreeMap<Host, Result<(), String>>,
    databases: BTreeSet<String>,
    prometheus: bool,
    wall: Option<String>,
    any_host: bool,
}

impl ThisHost {
    /// Tries the hosts that reading steps name, all at the same time.
    pub fn of(config: &Config, runbooks: &[Runbook]) -> Self {
        let reading = runbooks.iter().flat_map(|runbook| &runbook.steps).filter(|step| step.mode == Mode::Read);
        let named: BTreeSet<Host> = reading.flat_map(|step| step.hosts.iter().cloned()).collect();
        Self {
            hosts: try_out(named),
            databases: config.databases.iter().map(|one| one.name.clone()).collect(),
            prometheus: config.prometheus.is_some(),
            wall: match wall::standing() {
                wall::Standing::Holds { .. } => None,
                wall::Standing::Lacks { reason } => Some(reason.clone()),
            },
            any_host: !config.runbooks.hosts.is_empty(),
        }
    }
}

/// Which of these hosts answer.
fn try_out(named: BTreeSet<Host>) -> BTreeMap<Host, Result<(), String>> {
    let (sender, answers) = mpsc::channel();
    let mut found = BTreeMap::new();
    for (nth, host) in named.into_iter().enumerate() {
        if nth >= MAX_HOSTS {
            found.insert(host, Err(format!("was not tried: only {MAX_HOSTS} hosts are")));
            continue;
        }
        found.insert(host.clone(), Err(format!("does not answer within {} s", PATIENCE.as_secs())));
        let sender = sender.clone();
        // Looking up a name cannot be broken off: a thread that takes too long is left to itself.
        std::thread::spawn(move || {
            let answer = reach(&host);
            let _ = sender.send((host, answer));
        });
    }
    drop(sender);
    let until = Instant::now() + PATIENCE + Duration::from_millis(500);
    while let Ok((host, answer)) = answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
        found.insert(host, answer);
    }
    found
}

fn reach(host: &Host) -> Result<(), String> {
    let addresses = (host.name.raw(), host.port).to_socket_addrs().map_err(|_| "has no address here".to_owned())?;
    let mut last = "has no address here".to_owned();
    for address in addresses.take(4) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = format!("does not answer: {}", error.kind()),
        }
    }
    Err(last)
}

impl Here for ThisHost {
    fn has_program(&self, name: &str) -> bool {
        wall::program(name).is_ok()
    }

    fn reaches(&self, host: &Host) -> Result<(), String> {
        self.hosts.get(host).cloned().unwrap_or_else(|| Err("was not tried".to_owned()))
    }

    fn has_database(&self, name: &str) -> bool {
        self.databases.contains(name)
    }

    fn has_prometheus(&self) -> bool {
        self.prometheus
    }

    fn wall_lacks(&self) -> Option<String> {
        self.wall.clone()
    }

    fn has_hosts(&self) -> bool {
        self.any_host
    }
}
