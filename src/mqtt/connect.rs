//! Reaching the broker: address, TLS, CONNECT, CONNACK.

use std::{
    io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{ConnAck, Connect, ConnectReturnCode, LastWill, Packet},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::rustls::pki_types::ServerName;

use super::{
    Credentials, Login, LoginError, Options,
    frame::{Frame, Framer},
    tls::{self, TlsError},
};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no address for `{host}`: {source}; check `broker.url` and the network's name service")]
    NoAddress { host: String, source: io::Error },
    #[error("can't connect to {url}: {source}; is the broker running there?")]
    Unreachable { url: String, source: io::Error },
    #[error("{url} did not answer within {} s", after.as_secs())]
    TimedOut { url: String, after: Duration },
    #[error("TLS with {url} failed: {source}; {next}")]
    Handshake { url: String, source: io::Error, next: &'static str },
    #[error("{0}")]
    Tls(#[from] TlsError),
    #[error("{0}")]
    Login(#[from] LoginError),
    #[error("{url} refused the connection: {reason}")]
    Refused { url: String, reason: &'static str },
    #[error("{url} is not an MQTT 3.1.1 broker: {detail}")]
    NotMqtt { url: String, detail: String },
    #[error(
        "{url} closed the connection before it answered; does it expect TLS (mqtts://) or a client certificate?"
    )]
    Closed { url: String },
}

impl ConnectError {
    /// True when the broker answered and said no, or there is nothing to show it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, ConnectError::Refused { .. } | ConnectError::Login(LoginError::ForGood(_)))
    }
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection after its CONNACK, with what was read past it.
pub(super) struct Connection {
    pub stream: Transport,
    pub session_present: bool,
    pub buffer: BytesMut,
}

/// Plain TCP is kept apart from TLS: its two halves need no lock.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<dyn Stream>),
}

/// Connects and disconnects again, to see whether it works: for `edgeward check --connect`.
///
/// # Errors
/// [`ConnectError`]
pub async fn try_connect(options: &Options) -> Result<(), ConnectError> {
    // Another client id and a clean session: the daemon's own session must not be touched.
    let probe = Options { client_id: format!("{}-check", options.client_id), will: None, ..options.clone() };
    let credentials = options.login.credentials().await?;
    let connection = connect_as(&probe, &credentials, true).await?;
    let mut goodbye = BytesMut::new();
    let _ = Packet::Disconnect.write(&mut goodbye, usize::MAX);
    let _ = match connection.stream {
        Transport::Plain(mut stream) => stream.write_all(&goodbye).await,
        Transport::Tls(mut stream) => stream.write_all(&goodbye).await,
    };
    Ok(())
}

/// Connects with what `login` gives now. Also when that connection is to be made anew.
pub(super) async fn connect(
    options: &Options,
    login: &dyn Login,
) -> Result<(Connection, Option<Instant>), ConnectError> {
    let after = options.connect_timeout;
    let slow = || LoginError::ForNow(format!("they were not given within {} s", after.as_secs()));
    let credentials = timeout(after, login.credentials()).await.unwrap_or_else(|_| Err(slow()))?;
    let connection = connect_as(options, &credentials, false).await?;
    Ok((connection, credentials.renew_at(Instant::now())))
}

async fn connect_as(
    options: &Options,
    credentials: &Credentials,
    clean_session: bool,
) -> Result<Connection, ConnectError> {
    let after = options.connect_timeout;
    let url = options.url.to_string();
    let opened = timeout(after, open(options, credentials, clean_session)).await;
    opened.unwrap_or(Err(ConnectError::TimedOut { url, after }))
}

async fn open(
    options: &Options,
    credentials: &Credentials,
    clean_session: bool,
) -> Result<Connection, ConnectError> {
    let stream = tcp(options).await?;
    if !options.url.tls {
        let mut stream = stream;
        let (session_present, buffer) = introduce(&mut stream, options, credentials, clean_session).await?;
        return Ok(Connection { stream: Transport::Plain(stream), session_present, buffer });
    }
    let url = options.url.to_string();
    let connector = tls::connector(options, credentials)?;
    let name = ServerName::try_from(options.url.host.clone())
        .map_err(|error| TlsError::Setup(format!("`{}` is no server name: {error}", options.url.host)))?;
    let mut stream = connector.connect(name, stream).await.map_err(|source| ConnectError::Handshake {
        next: if tls::is_certificate_error(&source) {
            "check `broker.ca_file` and that the URL's host is a name in the broker's certificate"
        } else {
            "is this the broker's TLS port?"
        },
        url,
        source,
    })?;
    let (session_present, buffer) = introduce(&mut stream, options, credentials, clean_session).await?;
    Ok(Connection { stream: Transport::Tls(Box::new(stream)), session_present, buffer })
}

async fn tcp(options: &Options) -> Result<TcpStream, ConnectError> {
    let url = &options.url;
    let no_address = |source| ConnectError::NoAddress { host: url.host.clone(), source };
    let addresses = tokio::net::lookup_host((url.host.as_str(), url.port)).await.map_err(no_address)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Verdicts are small and wanted at once.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Unreachable { url: url.to_string(), source: last })
}

/// CONNECT and CONNACK.
async fn introduce<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    options: &Options,
    credentials: &Credentials,
    clean_session: bool,
) -> Result<(bool, BytesMut), ConnectError> {
    let url = || options.url.to_string();
    let lost = |_| ConnectError::Closed { url: url() };
    let mut connect = Connect::new(&options.client_id);
    connect.clean_session = clean_session;
    connect.keep_alive = u16::try_from(options.keep_alive.as_secs()).unwrap_or(u16::MAX);
    if let Some(username) = &credentials.username {
        connect.set_login(username, credentials.password.as_ref().map_or("", |password| password.expose()));
    }
    connect.last_will = options
        .will
        .as_ref()
        .map(|will| LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, true));
    let mut out = BytesMut::new();
    let written = Packet::Connect(connect).write(&mut out, usize::MAX);
    written.map_err(|error| ConnectError::NotMqtt { url: url(), detail: error.to_string() })?;
    stream.write_all(&out).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;

    let mut buffer = BytesMut::with_capacity(4096);
    let mut framer = Framer::new(options.max_packet_bytes);
    loop {
        let frame = framer.next(&mut buffer);
        match frame.map_err(|error| ConnectError::NotMqtt { url: url(), detail: error.to_string() })? {
            Some(Frame::Packet(Packet::ConnAck(ConnAck { session_present, code }))) => {
                return match refusal(code) {
                    None => Ok((session_present, buffer)),
                    Some(reason) => Err(ConnectError::Refused { url: url(), reason }),
                };
            }
            Some(other) => {
                let detail = format!("it answered CONNECT with {other:?}");
                return Err(ConnectError::NotMqtt { url: url(), detail });
            }
            None => {
                if stream.read_buf(&mut buffer).await.map_err(lost)? == 0 {
                    return Err(ConnectError::Closed { url: url() });
                }
            }
        }
    }
}

fn refusal(code: ConnectReturnCode) -> Option<&'static str> {
    Some(match code {
        ConnectReturnCode::Success => return None,
        ConnectReturnCode::RefusedProtocolVersion => "it doesn't speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "it doesn't accept `broker.client_id`",
        ConnectReturnCode::ServiceUnavailable => "its service is unavailable",
        ConnectReturnCode::BadUserNamePassword => {
            "wrong user name or password; check `broker.username` and the password"
        }
        ConnectReturnCode::NotAuthorized => {
            "this client is not allowed; check `broker.username`, the password, `broker.client_id` and the broker's rules"
        }
    })
}
