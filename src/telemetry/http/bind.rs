//! Taking the admin port, with errors that say what to do.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// Why the admin server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(
        "can't serve metrics and health on {addr}: another program has that port; stop it (`ss -ltnp 'sport = :{}'` names it), or set `admin.listen` to a free one",
        addr.port()
    )]
    PortTaken { addr: SocketAddr, source: io::Error },
    #[error(
        "can't serve metrics and health on {addr}: no permission; ports below 1024 need a privilege, so set `admin.listen` to a higher one"
    )]
    NotAllowed { addr: SocketAddr, source: io::Error },
    #[error(
        "can't serve metrics and health on {addr}: this machine has no such address; set `admin.listen` to one it has, such as 127.0.0.1:{}",
        addr.port()
    )]
    AddressNotHere { addr: SocketAddr, source: io::Error },
    #[error("can't serve metrics and health on {addr}: {source}; check `admin.listen`")]
    Other { addr: SocketAddr, source: io::Error },
}

/// Takes the admin port. Port 0 takes a free one; ask the listener which.
///
/// # Errors
/// [`AdminError`] says what, where and what next.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, AdminError> {
    TcpListener::bind(addr).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => AdminError::PortTaken { addr, source },
        io::ErrorKind::PermissionDenied => AdminError::NotAllowed { addr, source },
        io::ErrorKind::AddrNotAvailable => AdminError::AddressNotHere { addr, source },
        _ => AdminError::Other { addr, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_a_way_out() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = first.local_addr().unwrap();
        assert_ne!(addr.port(), 0);
        let error = bind(addr).unwrap_err();
        assert!(matches!(error, AdminError::PortTaken { .. }));
        let text = error.to_string();
        assert!(text.contains(&addr.to_string()) && text.contains("`admin.listen`"), "{text}");
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        // TEST-NET-1 of RFC 5737: nobody has it.
        let error = bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, AdminError::AddressNotHere { .. }), "{error}");
    }
}
