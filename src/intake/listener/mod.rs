//! The listener: everything that is sent to us over HTTP.
//!
//! **For:** taking deliveries safely: authenticated before they are looked at, bounded in every direction, durable before
//! they are acknowledged.
//! **In:** connections. **Out:** drafts in the journal; an answer to each delivery; counters; refused deliveries in quarantine.
//! **Never:** answers 2xx before the journal has committed, parses a body before its sender is known, lets one sender
//! keep another from being heard.

mod answer;
mod body;
mod connections;
mod door;
mod handle;
mod route;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use door::{Key, Token};

use self::door::Door;
use super::{Inflow, limits};

/// Where to listen and whom to believe.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where alerts, events and telemetry are received.
    pub listen: SocketAddr,
    /// Where OTLP is received besides, usually port 4318.
    pub otlp_listen: Option<SocketAddr>,
    /// What senders must present as `Authorization: Bearer`; none is possible on loopback only.
    pub token: Option<Token>,
    /// The secrets with which PagerDuty signs; several while they are being changed.
    pub pagerduty: Vec<Key>,
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Anybody on the network could write.
    #[error(
        "listening on {0} without a token would let anybody on the network write to the journal: \
         set a token, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}{}", hint(error))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => " (another program listens there: stop it, or choose another with --listen)",
        std::io::ErrorKind::PermissionDenied => " (ports below 1024 need rights: choose a higher one)",
        _ => "",
    }
}

/// What all connections share.
struct Shared {
    inflow: Inflow,
    door: Door,
    /// Requests worked on, one permit each.
    requests: Arc<Semaphore>,
    /// Bodies held, one permit for each [`body::UNIT`] bytes.
    memory: Arc<Semaphore>,
}

/// A listener that listens. Dropping it stops it; [`Listening::stop`] lets what is being recorded finish.
pub struct Listening {
    /// The addresses it listens on.
    pub addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Listening {
    /// Takes no more connections, and waits until what is being recorded is recorded and answered, at most five seconds.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
    }
}

/// Listens as `settings` say. Must run inside a tokio runtime.
///
/// # Errors
/// When it would be open to the network without a token, or an address cannot be had.
pub async fn start(settings: &Settings, inflow: Inflow) -> Result<Listening, StartError> {
    let mut listeners = Vec::new();
    for address in [Some(settings.listen), settings.otlp_listen].into_iter().flatten() {
        if settings.token.is_none() && !address.ip().is_loopback() {
            return Err(StartError::Open(address));
        }
        let bind = |error| StartError::Bind { address, error };
        listeners.push(TcpListener::bind(address).await.map_err(bind)?);
    }
    let shared = Arc::new(Shared {
        inflow,
        door: Door::new(settings.token.clone(), settings.pagerduty.clone()),
        requests: Arc::new(Semaphore::new(limits::size(limits::REQUESTS_IN_FLIGHT))),
        memory: Arc::new(Semaphore::new(limits::size(limits::BODIES_IN_FLIGHT) / body::UNIT)),
    });
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    for listener in listeners {
        tasks.spawn(connections::accept(listener, Arc::clone(&shared), stopping.clone()));
    }
    Ok(Listening { addresses, stop, tasks })
}
