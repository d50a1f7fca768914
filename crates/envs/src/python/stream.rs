//! The control channel: a pair of connected sockets where the system has them, a loopback connection elsewhere. Both can wait
//! with a deadline, which pipes of the standard library cannot.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How the worker reaches its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// A socket pair, handed over as the worker's standard input; on systems without them the same as `Loopback`.
    #[default]
    Pair,
    /// A connection over the loopback interface, opened by a word that only the worker was told.
    Loopback,
}

/// The host's end.
#[derive(Debug)]
pub(super) enum Stream {
    #[cfg(unix)]
    Pair(UnixStream),
    Loopback(TcpStream),
}

/// What a wait ended with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The bytes came.
    Ready,
    /// The other end is closed.
    Closed,
    /// The deadline passed.
    Late,
}

impl Stream {
    /// Fills `out`, or says why not. An error of the system counts as a closed end.
    pub(super) fn receive(&mut self, out: &mut [u8], deadline: Instant) -> Waited {
        let mut done = 0;
        while done < out.len() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.set_timeout(left).is_err() {
                return Waited::Late;
            }
            let got = match self {
                #[cfg(unix)]
                Self::Pair(stream) => stream.read(&mut out[done..]),
                Self::Loopback(stream) => stream.read(&mut out[done..]),
            };
            match got {
                Ok(0) => return Waited::Closed,
                Ok(n) => done += n,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                    _ => return Waited::Closed,
                },
            }
        }
        Waited::Ready
    }

    /// Sends all of `bytes`; `false` when the other end is closed or takes none for `patience`.
    pub(super) fn send(&mut self, bytes: &[u8], patience: Duration) -> bool {
        match self {
            #[cfg(unix)]
            Self::Pair(stream) => {
                stream.set_write_timeout(Some(patience)).and_then(|()| stream.write_all(bytes)).is_ok()
            }
            Self::Loopback(stream) => {
                stream.set_write_timeout(Some(patience)).and_then(|()| stream.write_all(bytes)).is_ok()
            }
        }
    }

    /// Sends one byte that never waits: the other end takes it before the next is sent.
    pub(super) fn wake(&mut self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Pair(stream) => stream.write_all(b"w").is_ok(),
            Self::Loopback(stream) => stream.write_all(b"w").is_ok(),
        }
    }

    /// Tells the other end that nothing more will come.
    pub(super) fn close(&self) {
        let _ = match self {
            #[cfg(unix)]
            Self::Pair(stream) => stream.shutdown(std::net::Shutdown::Both),
            Self::Loopback(stream) => stream.shutdown(std::net::Shutdown::Both),
        };
    }

    fn set_timeout(&self, left: Duration) -> std::io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Pair(stream) => stream.set_read_timeout(Some(left)),
            Self::Loopback(stream) => stream.set_read_timeout(Some(left)),
        }
    }
}

/// Waits until the process that was told `token` connects; others are turned away.
pub(super) fn accept(
    listener: &TcpListener,
    token: &str,
    deadline: Instant,
    mut lives: impl FnMut() -> bool,
) -> std::io::Result<Stream> {
    listener.set_nonblocking(true)?;
    while Instant::now() < deadline && lives() {
        match listener.accept() {
            Ok((connection, _)) => {
                connection.set_nonblocking(false)?;
                connection.set_nodelay(true)?;
                let mut stream = Stream::Loopback(connection);
                let mut given = vec![0; token.len()];
                let patience = deadline.min(Instant::now() + Duration::from_secs(1));
                if stream.receive(&mut given, patience) == Waited::Ready && given == token.as_bytes() {
                    return Ok(stream);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::new(ErrorKind::TimedOut, "the worker did not connect"))
}
