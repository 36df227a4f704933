//! Connections from outside: accepted as many as there is room for, given TLS, and read as HTTP for a
//! while.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use peerloom_server::Limits;
use peerloom_server::hub::network_of;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::http::{self, Ends, Site};

/// How many connections more than the hub's may be open, to answer `/healthz` when it is full, and to
/// say so to those who come.
const SPARE: usize = 256;

/// How many connections more than WebSockets one address may have: a browser loads a page over six.
const SPARE_PER_ADDRESS: usize = 32;

/// How long a handshake of TLS may take.
const TLS_MAX: Duration = Duration::from_secs(10);

/// How long a connection may be used for HTTP: an app of 2 MB over 8 kB/s.
const HTTP_MAX: Duration = Duration::from_secs(240);

/// What HTTP keeps for reading and writing, which upgraded connections take along.
const BUFFER_BYTES: usize = 8_192;

/// How long to wait when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// Accepts connections until the server ends.
pub(super) struct Acceptor {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    room: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    /// How long the head of a request may take, and the next one may be waited for.
    head_max: Duration,
    leaving: watch::Receiver<bool>,
}

impl Acceptor {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        site: Arc<Site>,
        limits: &Limits,
        leaving: watch::Receiver<bool>,
    ) -> Self {
        // A proxy is one address, and has to count its clients itself.
        let of_one = match site.proxies {
            0 => limits.connections_per_address_max.saturating_add(SPARE_PER_ADDRESS),
            _ => usize::MAX,
        };
        let room = limits.connections_max.saturating_add(SPARE).min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            tls,
            router: http::router(site),
            room: Arc::new(Semaphore::new(room)),
            addresses: Arc::new(Addresses { of_one, open: Mutex::default() }),
            head_max: limits.register_max,
            leaving,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let permit = tokio::select! {
                permit = self.room.clone().acquire_owned() => permit,
                _ = self.leaving.changed() => return,
            };
            let Ok(permit) = permit else { return };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = self.leaving.changed() => return,
            };
            match accepted {
                Ok((stream, from)) => self.take(stream, from, permit),
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, from: SocketAddr, permit: OwnedSemaphorePermit) {
        let Some(place) = self.addresses.enter(from.ip()) else { return };
        let Ok(here) = stream.local_addr() else { return };
        // Envelopes are small, and somebody waits for each.
        stream.set_nodelay(true).ok();
        let ends = Ends { from: from.ip(), here: here.ip(), _held: Arc::new((permit, place)) };
        let (tls, router, leaving) = (self.tls.clone(), self.router.clone(), self.leaving.clone());
        let head_max = self.head_max;
        tokio::spawn(async move {
            match tls {
                None => serve(stream, router, ends, head_max, leaving).await,
                Some(tls) => {
                    let Ok(Ok(stream)) = timeout(TLS_MAX, tls.accept(stream)).await else { return };
                    serve(stream, router, ends, head_max, leaving).await;
                }
            }
        });
    }
}

/// Reads requests until the connection is upgraded, closed, or used up.
async fn serve<S>(
    stream: S,
    router: Router,
    ends: Ends,
    head_max: Duration,
    mut leaving: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request;
        request.extensions_mut().insert(ends.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_max)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = timeout(HTTP_MAX, async {
        tokio::select! {
            served = connection.as_mut() => return served,
            _ = leaving.changed() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    });
    if let Ok(Err(error)) = served.await {
        tracing::debug!(%error, "a request broke");
    }
}

/// How many connections each address has, whatever for: what the hub counts are only those that got
/// so far as to be WebSockets.
struct Addresses {
    of_one: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// Counts one connection of an address for as long as it lives.
pub(super) struct Place {
    addresses: Arc<Addresses>,
    network: IpAddr,
}

impl Addresses {
    fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let network = network_of(from);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network).or_default();
        if *count >= self.of_one {
            return None;
        }
        *count += 1;
        Some(Place { addresses: Arc::clone(self), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}
