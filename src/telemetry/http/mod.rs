//! The admin server: `/metrics`, `/healthz`, `/readyz`, `/status`, `/settings`.
//!
//! It lives on an operating-system thread with a runtime of its own, so it answers while scoring
//! and the broker's connection are busy. Everything a client can use up is bounded: connections,
//! header bytes, time. One request a connection keeps the bound on time simple.

mod bind;
pub mod client;
mod routes;
mod status;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};
use tracing::{debug, error};

pub use bind::{AdminError, bind};

use super::Telemetry;
use edgeward_core::fault_injection;

/// Connections served at once; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 32;
/// Request line and headers of one request, at most.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// The request must be there after this time.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection, from accepted to answered, takes no longer than this.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after a death it is begun again.
const AFTER_DEATH: Duration = Duration::from_secs(1);
/// How long to wait when the system gives no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The running server. Dropping it stops it.
#[derive(Debug)]
pub struct AdminServer {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl AdminServer {
    /// Where it listens: the port is the real one also when 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops listening and waits until the thread is gone. Answers under way are cut off.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            debug!("the admin server's thread had panicked");
        }
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Serves `telemetry` on `listener`, which comes from [`bind`], until the server is stopped.
///
/// # Errors
/// When the system gives no thread or no event queue.
pub fn serve(listener: TcpListener, telemetry: Arc<Telemetry>) -> io::Result<AdminServer> {
    let addr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (stop, mut stopped) = oneshot::channel::<()>();
    let mut life = Life::begin(&listener)?;
    let thread = thread::Builder::new().name("admin".into()).spawn(move || {
        loop {
            let lived = catch_unwind(AssertUnwindSafe(|| {
                let Life { runtime, listener } = life;
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(&listener, &telemetry) => {}
                        _ = &mut stopped => {}
                    }
                });
            }));
            if lived.is_ok() {
                return;
            }
            error!("the admin server died and is begun again");
            life = loop {
                match Life::begin(&listener) {
                    Ok(life) => break life,
                    Err(error) => debug!(%error, "the admin server can't be begun again yet"),
                }
                if !matches!(stopped.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                    return;
                }
                thread::park_timeout(AFTER_DEATH);
            };
            if life.runtime.block_on(async { timeout(AFTER_DEATH, &mut stopped).await.is_ok() }) {
                return;
            }
        }
    })?;
    Ok(AdminServer { addr, stop: Some(stop), thread: Some(thread) })
}

/// What a death takes along; the socket stays, and so do the connections that wait in it.
struct Life {
    runtime: tokio::runtime::Runtime,
    listener: tokio::net::TcpListener,
}

impl Life {
    fn begin(listener: &TcpListener) -> io::Result<Life> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        drop(inside);
        Ok(Life { runtime, listener })
    }
}

async fn accept(listener: &tokio::net::TcpListener, telemetry: &Arc<Telemetry>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        fault_injection::point("admin");
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let telemetry = telemetry.clone();
                tokio::spawn(async move {
                    let served = timeout(CONNECTION_TIMEOUT, answer(stream, telemetry)).await;
                    match served {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => debug!(%peer, %error, "admin connection ended"),
                        Err(_) => debug!(%peer, "admin connection took too long"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                debug!(%error, "no admin connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(stream: tokio::net::TcpStream, telemetry: Arc<Telemetry>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let response = routes::respond(&request, &telemetry);
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(2 * MAX_HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[cfg(test)]
mod tests;
