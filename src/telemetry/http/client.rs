//! Asking another process's admin server.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// From connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const MOST_BYTES: usize = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no answer from {addr} within {} s", TIMEOUT.as_secs())]
    Silent { addr: SocketAddr },
    #[error("can't ask {addr}: {source}")]
    Failed {
        addr: SocketAddr,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The JSON at `path` of the admin server at `addr`.
///
/// # Errors
/// [`AskError`]
pub async fn ask(addr: SocketAddr, path: &str) -> Result<Value, AskError> {
    match timeout(TIMEOUT, get(addr, path)).await {
        Ok(answer) => answer.map_err(|source| AskError::Failed { addr, source }),
        Err(_) => Err(AskError::Silent { addr }),
    }
}

async fn get(addr: SocketAddr, path: &str) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path).header(header::HOST, addr.to_string()).body(Empty::<Bytes>::new())?;
    let answered = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("it answers {status} to {path}: is it an edgeward of this version?").into());
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    };
    tokio::select! {
        answer = answered => answer,
        // Ends with an error only, or when there is nothing more to say.
        Err(error) = connection => Err(error.into()),
    }
}
