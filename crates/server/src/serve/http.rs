//! What is served by HTTP, and the door to the WebSocket.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use peerloom_server::hub::Reason;
use peerloom_wire::rendezvous::{MESSAGE_BYTES_MAX, SUBPROTOCOL};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::accept::Place;
use super::files::Files;
use super::ice::Ice;
use super::switchboard::Switchboard;
use super::{client, metrics};

/// What a WebSocket keeps for reading. Most messages have a few hundred bytes; the library's own
/// 128 KiB would be most of what an idle client costs.
const READ_BUFFER_BYTES: usize = 2_048;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What all requests share.
pub(super) struct Site {
    pub(super) switchboard: Switchboard,
    pub(super) files: Option<Files>,
    pub(super) ice: Ice,
    /// Empty: all.
    pub(super) origins: Vec<String>,
    /// How many proxies have extended `X-Forwarded-For`.
    pub(super) proxies: usize,
    /// Lives as long as anything is under way.
    pub(super) alive: mpsc::Sender<()>,
}

/// Both ends of the connection that a request came over.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) from: IpAddr,
    pub(super) here: IpAddr,
    /// What is given back when the connection has ended.
    pub(super) _held: Arc<(OwnedSemaphorePermit, Place)>,
}

pub(super) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(report))
        .route("/v1/ice", get(ice))
        .route("/v1/signal", get(signal))
        .fallback(file)
        .with_state(site)
}

async fn healthz(State(site): State<Arc<Site>>) -> Response {
    match site.switchboard.report().await {
        Some(_) => uncached("text/plain", "ok\n".to_owned()),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the hub does not answer\n").into_response(),
    }
}

async fn report(State(site): State<Arc<Site>>) -> Response {
    match site.switchboard.report().await {
        Some((counters, gauges)) => {
            uncached("text/plain; version=0.0.4", metrics::text(&counters, &gauges))
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn ice(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let origin = headers.get(ORIGIN);
    if !site.admits(origin) {
        return (StatusCode::FORBIDDEN, "pages of this origin are not served\n").into_response();
    }
    let Some(servers) = site.ice.servers() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = uncached("application/json", servers);
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
    response
}

async fn signal(
    State(site): State<Arc<Site>>,
    Extension(ends): Extension<Ends>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(address) = site.address_of(&ends, &headers) else {
        return (StatusCode::BAD_REQUEST, "no X-Forwarded-For of the proxy\n").into_response();
    };
    let mut denied = (!site.admits(headers.get(ORIGIN))).then_some(Reason::OriginDenied);
    let mut upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        // So that a browser opens the connection and the client hears why it may not stay.
        let first = upgrade.requested_protocols().next().cloned();
        if let Some(first) = first {
            upgrade.set_selected_protocol(first);
        }
        denied = denied.or(Some(Reason::UnsupportedVersion));
    }
    upgrade.on_upgrade(move |socket| async move {
        let alive = site.alive.clone();
        client::serve(socket, site.switchboard.clone(), address, ends.here, denied).await;
        drop((alive, ends));
    })
}

async fn file(State(site): State<Arc<Site>>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match &site.files {
        Some(files) => files.answer(request.uri().path(), request.headers()),
        None => (StatusCode::NOT_FOUND, "this server has no app: see --app\n").into_response(),
    }
}

fn uncached(kind: &'static str, body: String) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], body).into_response()
}

impl Site {
    /// Programs that are no browsers say no origin, or any: the list keeps other people's pages out,
    /// and nobody else.
    fn admits(&self, origin: Option<&HeaderValue>) -> bool {
        let Some(origin) = origin else { return true };
        self.origins.is_empty()
            || self.origins.iter().any(|listed| origin.as_bytes() == listed.as_bytes())
    }

    /// Returns where a client comes from: as the last proxy that is trusted says.
    fn address_of(&self, ends: &Ends, headers: &HeaderMap) -> Option<IpAddr> {
        let Some(from_right) = self.proxies.checked_sub(1) else { return Some(ends.from) };
        let lists = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|list| list.to_str().ok());
        let addresses: Vec<&str> = lists.flat_map(|list| list.split(',')).collect();
        let address = addresses.iter().rev().nth(from_right)?.trim();
        // Some proxies add the port.
        let with_port = || address.parse::<SocketAddr>().map(|address| address.ip());
        address.parse().or_else(|_| with_port()).ok()
    }
}
