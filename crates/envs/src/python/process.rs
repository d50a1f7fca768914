//! A worker process: starting it, talking to it within deadlines, and telling what became of it.
//!
//! A worker that exits, raises or does not answer in time becomes an [`Error::External`] with the last of what it wrote to its
//! error output; it is ended at once and never left behind.
//!
//! On Unix the process that is started splits in two before anything else: the worker, and a guard that waits for the worker's end
//! or the host's, which it sees by a pipe that only the host holds open. Then the guard ends whatever the environment started: the
//! worker's process group, and (Linux) every process whose environment carries this worker's mark, in whichever group or session it
//! is. So nothing outlives a run, however it ends: the guard needs neither the host's help nor that of a worker stuck in foreign code.

use std::collections::VecDeque;
use std::io::{PipeWriter, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use worldwright_core::{Error, Result};

use super::shared::{
    HOST_ASLEEP, OPERATION, REPLY, REQUEST, STATUS, Shared, TEXT, TEXT_LENGTH, TEXT_SIZE, WORKER_ASLEEP,
};
use super::stream::{Stream, Waited, accept};
use super::{Transport, WorkerOptions};

/// The worker's program: modules in the order in which they import each other.
const PROGRAM: &[(&str, &str)] = &[
    ("worldwright_spaces", include_str!("worker/spaces.py")),
    ("worldwright_faults", include_str!("worker/faults.py")),
    ("worldwright_packages", include_str!("worker/packages.py")),
    ("worldwright_suites", include_str!("worker/suites.py")),
    ("worldwright_vectors", include_str!("worker/vectors.py")),
    ("worldwright_worker", include_str!("worker/worker.py")),
];
const BOOTSTRAP: &str = include_str!("worker/bootstrap.py");
/// How much of the error output is kept.
const TAIL_BYTES: usize = 8192;
/// The longest answer (bounds of the largest spaces, or a picture) that is believed, in bytes.
const MOST_BYTES: u64 = 512 << 20;
/// How much memory is taken at a time for bytes that are announced: no more than really come.
const CHUNK: usize = 1 << 20;
/// How long an answered request may take to send, and a dead process to be seen as dead.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the host watches before it offers its core at each look. On a busy machine the worker itself may be waiting for this
/// core, and what is spent before is lost to it; where a core is free, offering this one costs half a microsecond.
const YIELD_AFTER: Duration = Duration::from_micros(2);

/// What a worker is asked to do through the shared memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Step = 1,
    Reset = 2,
}

/// A running worker.
#[derive(Debug)]
pub(super) struct Process {
    who: String,
    child: Child,
    /// The guard ends the worker when this is dropped.
    lifeline: Option<PipeWriter>,
    stream: Stream,
    shared: Option<Shared>,
    tail: Arc<Mutex<VecDeque<u8>>>,
    drain: Option<JoinHandle<()>>,
    host_watch: Duration,
    watched: bool,
    sequence: u64,
}

impl Process {
    /// Starts the interpreter and its program. `who` names the environment in errors.
    pub(super) fn start(who: &str, interpreter: &Path, options: &WorkerOptions) -> Result<Self> {
        let deadline = Instant::now() + options.make_deadline;
        let failed = |why: String| Error::external(who.to_owned(), why);
        let mut command = Command::new(interpreter);
        command.arg("-u").arg("-c").arg(BOOTSTRAP).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env("WORLDWRIGHT_WORKER", token());
        let mut lifeline = None;
        if cfg!(unix) {
            let (watched, held) = std::io::pipe().map_err(|error| failed(format!("cannot make a pipe: {error}")))?;
            command.stdout(watched);
            lifeline = Some(held);
        }
        // A group of its own keeps Ctrl-C for the host, which then ends its workers in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let spawn = |command: &mut Command| {
            command.spawn().map_err(|error| {
                failed(format!(
                    "cannot start {}: {error}; install the suite again or name another interpreter",
                    interpreter.display()
                ))
            })
        };
        let (mut child, stream) = match options.transport {
            #[cfg(unix)]
            Transport::Pair => {
                let (near, far) = std::os::unix::net::UnixStream::pair()
                    .map_err(|error| failed(format!("cannot make a socket pair: {error}")))?;
                let child = spawn(command.arg("-").stdin(Stdio::from(std::os::fd::OwnedFd::from(far))))?;
                // The command still holds the worker's end; while it does, the worker's death would not be seen.
                drop(command);
                (child, Stream::Pair(near))
            }
            _ => {
                let listen = || -> std::io::Result<_> {
                    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
                    let port = listener.local_addr()?.port();
                    Ok((listener, port))
                };
                let (listener, port) =
                    listen().map_err(|error| failed(format!("cannot listen on the loopback interface: {error}")))?;
                let token = token();
                command.arg(port.to_string()).env("WORLDWRIGHT_WORKER_TOKEN", &token).stdin(Stdio::null());
                let mut child = spawn(&mut command)?;
                match accept(&listener, &token, deadline, || matches!(child.try_wait(), Ok(None))) {
                    Ok(stream) => (child, stream),
                    Err(error) => {
                        end(&mut child, lifeline.take());
                        let mut text = String::new();
                        if let Some(mut stderr) = child.stderr.take() {
                            let _ = stderr.read_to_string(&mut text);
                        }
                        return Err(failed(format!("{error}{}", quoted(&text))));
                    }
                }
            }
        };
        let tail = Arc::new(Mutex::new(VecDeque::with_capacity(TAIL_BYTES)));
        let drain = child.stderr.take().map(|stderr| {
            let tail = Arc::clone(&tail);
            std::thread::spawn(move || keep_tail(stderr, &tail))
        });
        let watched = !options.worker_watch.is_zero();
        let mut process = Self {
            who: who.to_owned(),
            child,
            lifeline,
            stream,
            shared: None,
            tail,
            drain,
            host_watch: if watched { options.host_watch } else { Duration::ZERO },
            watched,
            sequence: 0,
        };
        let program = json!(PROGRAM).to_string();
        let mut bytes = (program.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(program.as_bytes());
        if !process.stream.send(&bytes, options.make_deadline) {
            return Err(process.fail_dead());
        }
        Ok(process)
    }

    /// Gives the worker the shared memory, as `layout` describes it.
    pub(super) fn attach(
        &mut self,
        mut layout: serde_json::Map<String, Json>,
        size: usize,
        options: &WorkerOptions,
    ) -> Result<()> {
        let mut shared = Shared::create(size)
            .map_err(|error| Error::external(self.who.clone(), format!("cannot make shared memory: {error}")))?;
        layout.insert("do".into(), "attach".into());
        layout.insert("file".into(), shared.path().to_string_lossy().into());
        layout.insert("text".into(), TEXT.into());
        layout.insert("text_size".into(), TEXT_SIZE.into());
        layout.insert("spin_ns".into(), (options.worker_watch.as_nanos() as u64).into());
        self.ask(&Json::Object(layout), options.make_deadline)?;
        shared.unname();
        if !self.watched {
            shared.word(HOST_ASLEEP).store(1, Ordering::SeqCst);
        }
        self.shared = Some(shared);
        Ok(())
    }

    /// The shared memory, once attached.
    pub(super) fn shared(&self) -> Result<&Shared> {
        self.shared.as_ref().ok_or_else(|| Error::external(self.who.clone(), "its worker is not ready: reset it"))
    }

    /// Sends a message and waits for its answer and the bytes behind it.
    ///
    /// # Errors
    /// [`Error::External`]. Where the worker is alive and only says no, [`Process::is_alive`] stays true.
    pub(super) fn ask(&mut self, message: &Json, patience: Duration) -> Result<(Json, Vec<u8>)> {
        let deadline = Instant::now() + patience;
        let what = message["do"].as_str().unwrap_or("message").to_owned();
        let text = message.to_string();
        let mut bytes = vec![b'm'];
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        if !self.stream.send(&bytes, patience) {
            return Err(self.fail_dead());
        }
        let mut kind = [b'w'];
        while kind[0] == b'w' {
            self.take(&mut kind, deadline, &what, patience)?;
        }
        let mut length = [0; 4];
        self.take(&mut length, deadline, &what, patience)?;
        let text = self.take_all(u64::from(u32::from_le_bytes(length)), deadline, &what, patience)?;
        let answer: Json = match serde_json::from_slice(&text) {
            Ok(answer) => answer,
            Err(error) => return Err(self.fail(&format!("answered '{what}' with something unreadable ({error})"))),
        };
        let blob = self.take_all(answer["blob"].as_u64().unwrap_or(0), deadline, &what, patience)?;
        match answer["error"].as_str() {
            Some(error) => Err(Error::external(self.who.clone(), error.to_owned())),
            None => Ok((answer, blob)),
        }
    }

    /// Takes as many bytes as were announced, as they come: what is announced alone takes no memory.
    fn take_all(&mut self, length: u64, deadline: Instant, what: &str, patience: Duration) -> Result<Vec<u8>> {
        if length > MOST_BYTES {
            return Err(self.fail(&format!(
                "announced {length} bytes in answer to '{what}', more than the {MOST_BYTES} that are taken"
            )));
        }
        let (length, mut bytes) = (length as usize, Vec::new());
        while bytes.len() < length {
            let start = bytes.len();
            bytes.resize(length.min(start + CHUNK), 0);
            self.take(&mut bytes[start..], deadline, what, patience)?;
        }
        Ok(bytes)
    }

    fn take(&mut self, out: &mut [u8], deadline: Instant, what: &str, patience: Duration) -> Result<()> {
        match self.stream.receive(out, deadline) {
            Waited::Ready => Ok(()),
            Waited::Closed => Err(self.fail_dead()),
            Waited::Late => Err(self.fail_late(what, patience)),
        }
    }

    /// Asks for an operation on the arrays without waiting for it; [`Process::finish`] waits.
    pub(super) fn post(&mut self, operation: Operation) -> Result<()> {
        self.sequence += 1;
        let sequence = self.sequence;
        let shared = self.shared()?;
        shared.word(OPERATION).store(operation as u64, Ordering::Relaxed);
        shared.word(REQUEST).store(sequence, Ordering::SeqCst);
        let asleep = !self.watched || shared.word(WORKER_ASLEEP).load(Ordering::SeqCst) != 0;
        if asleep && !self.stream.wake() {
            return Err(self.fail_dead());
        }
        Ok(())
    }

    /// Waits for the operation that was posted last.
    ///
    /// # Errors
    /// [`Error::External`] when the worker died, raised or was late; it is ended then.
    pub(super) fn finish(&mut self, operation: Operation, patience: Duration) -> Result<()> {
        if !self.watch() {
            self.sleep(operation, patience)?;
        }
        let shared = self.shared()?;
        if shared.word(STATUS).load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let length = (shared.word(TEXT_LENGTH).load(Ordering::Relaxed) as usize).min(TEXT_SIZE);
        let mut text = vec![0_u8; length];
        shared.read(TEXT, &mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        self.end(Duration::ZERO);
        Err(Error::external(self.who.clone(), text))
    }

    fn replied(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.word(REPLY).load(Ordering::SeqCst) == self.sequence)
    }

    /// Watches for the answer for a short while; whether it came.
    fn watch(&self) -> bool {
        if self.host_watch.is_zero() {
            return false;
        }
        let start = Instant::now();
        loop {
            for _ in 0..64 {
                if self.replied() {
                    return true;
                }
                std::hint::spin_loop();
            }
            let elapsed = start.elapsed();
            if elapsed > self.host_watch {
                return false;
            }
            if elapsed > YIELD_AFTER {
                std::thread::yield_now();
            }
        }
    }

    /// Sleeps until the answer comes, within the deadline.
    fn sleep(&mut self, operation: Operation, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        if self.watched {
            self.shared()?.word(HOST_ASLEEP).store(1, Ordering::SeqCst);
        }
        while !self.replied() {
            let mut byte = [0];
            match self.stream.receive(&mut byte, deadline) {
                Waited::Ready => {}
                Waited::Closed if self.replied() => break,
                Waited::Closed => return Err(self.fail_dead()),
                Waited::Late if self.replied() => break,
                Waited::Late => {
                    let what = match operation {
                        Operation::Step => "step",
                        Operation::Reset => "reset",
                    };
                    return Err(self.fail_late(what, patience));
                }
            }
        }
        if self.watched {
            self.shared()?.word(HOST_ASLEEP).store(0, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Whether the process still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The process's number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn fail_late(&mut self, what: &str, patience: Duration) -> Error {
        self.fail(&format!("did not answer '{what}' within {patience:?} and was ended; reset starts a fresh worker"))
    }

    fn fail_dead(&mut self) -> Error {
        self.end(PATIENCE);
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        self.fail(&format!("its worker process ended ({status}); reset starts a fresh one"))
    }

    /// Ends the worker; an error with the last of its error output.
    fn fail(&mut self, why: &str) -> Error {
        self.end(Duration::ZERO);
        // The thread ends with the pipe, unless the environment started a process that keeps it open.
        let patience = Instant::now() + Duration::from_millis(200);
        while self.drain.as_ref().is_some_and(|drain| !drain.is_finished()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        let tail: Vec<u8> = self.tail.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        Error::external(self.who.clone(), format!("{why}{}", quoted(&String::from_utf8_lossy(&tail))))
    }

    /// Ends the process, giving it `grace` to leave by itself once its socket is closed, and takes its exit status.
    fn end(&mut self, grace: Duration) {
        self.stream.close();
        let patience = Instant::now() + grace;
        while Instant::now() < patience {
            if !self.is_alive() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        end(&mut self.child, self.lifeline.take());
    }
}

/// Ends a process that was started, by its guard where it has one, and takes its exit status.
fn end(child: &mut Child, lifeline: Option<PipeWriter>) {
    if lifeline.is_some() {
        drop(lifeline);
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Duration::from_millis(100));
    }
}

/// Reads the error output to its end, keeping the last of it.
fn keep_tail(mut stderr: ChildStderr, tail: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut buffer) {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&buffer[..n]);
        let excess = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..excess);
    }
}

/// The last lines of an error output, as the end of a message.
fn quoted(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    let last = &lines[lines.len().saturating_sub(20)..];
    if last.is_empty() { String::new() } else { format!("; the last of its error output:\n{}", last.join("\n")) }
}

/// A word that other users of the machine cannot guess, from the randomness that the standard library seeds its hashing with.
fn token() -> String {
    use std::hash::{BuildHasher, Hasher};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let word = || {
        let mut hasher = std::hash::RandomState::new().build_hasher();
        hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    };
    format!("{:016x}{:016x}", word(), word())
}
