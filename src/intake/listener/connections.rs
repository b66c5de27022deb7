//! Connections: accepted, counted, and closed when they are too many, too idle or too slow with their head.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{Shared, handle};
use crate::intake::limits;

/// One open connection.
#[derive(Default)]
struct Open {
    /// A request is being worked on.
    busy: AtomicBool,
    /// Close it: somebody else needs its place.
    leave: Notify,
}

/// The open connections, oldest first.
#[derive(Default)]
struct Crowd(Mutex<(u64, BTreeMap<u64, Arc<Open>>)>);

impl Crowd {
    /// A place for one more; when all are taken, that of the oldest idle one. `None` when none is idle.
    fn enter(&self) -> Option<(u64, Arc<Open>, bool)> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, open) = &mut *inner;
        let mut crowded = false;
        if open.len() as u64 >= limits::CONNECTIONS {
            crowded = true;
            let idle = open.iter().find(|(_, open)| !open.busy.load(Ordering::Relaxed)).map(|(id, _)| *id);
            open.remove(&idle?)?.leave.notify_one();
        }
        *next += 1;
        let entered = Arc::<Open>::default();
        open.insert(*next, Arc::clone(&entered));
        Some((*next, entered, crowded))
    }

    fn leave(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&id);
    }
}

/// Accepts until told to stop; then lets running requests finish.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    let crowd = Arc::<Crowd>::default();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopping.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors: trying at once again would only burn the processor.
                if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                continue;
            }
        };
        let entered = crowd.enter();
        if entered.as_ref().is_none_or(|entered| entered.2) {
            shared.inflow.counters.connections_closed.fetch_add(1, Ordering::Relaxed);
        }
        let Some((id, open, _)) = entered else { continue };
        let (shared, crowd, stopping) = (Arc::clone(&shared), Arc::clone(&crowd), stopping.clone());
        connections.spawn(async move {
            serve(stream, &shared, &open, stopping).await;
            crowd.leave(id);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, shared: &Arc<Shared>, open: &Arc<Open>, mut stopping: watch::Receiver<bool>) {
    // Answers are small; waiting to fill a packet only delays the sender.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let (shared, open) = (Arc::clone(shared), Arc::clone(open));
        async move {
            open.busy.store(true, Ordering::Relaxed);
            let answer = handle::request(request, &shared).await;
            open.busy.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HEAD_TIME))
        .max_headers(limits::size(limits::HEADERS))
        .max_buf_size(limits::size(limits::HEAD));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = open.leave.notified() => return,
        _ = stopping.changed() => (),
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
