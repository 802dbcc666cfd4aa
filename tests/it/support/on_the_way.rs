//! How much the kernel holds of what went into a loopback connection: not read by the peer yet.

use std::{
    fs,
    net::{SocketAddr, SocketAddrV4, TcpStream},
};

/// Bytes written to `stream` that its peer, on this machine and IPv4, did not read: what the one socket has not
/// sent and what the other has received, as `/proc/net/tcp` tells (Linux, `Documentation/networking/proc_net_tcp`).
pub fn bytes(stream: &TcpStream) -> usize {
    let (Ok(SocketAddr::V4(here)), Ok(SocketAddr::V4(there))) = (stream.local_addr(), stream.peer_addr())
    else {
        return 0;
    };
    let (here, there) = (hex(here), hex(there));
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let sockets = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, remote, _state, queues) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (unsent, unread) = queues.split_once(':')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        match (local, remote) {
            _ if (local, remote) == (&here, &there) => number(unsent),
            _ if (local, remote) == (&there, &here) => number(unread),
            _ => None,
        }
    });
    sockets.sum()
}

/// An address as in that table: the four bytes as a number of the machine, and the port.
fn hex(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}
