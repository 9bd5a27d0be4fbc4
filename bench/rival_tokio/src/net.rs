//! The suite net on tokio's current-thread runtime: one event loop, as the
//! contestants it is held against. It has no TLS of its own.
//!
//! Follows the protocol of net_serve.go: greets, reads the name of a work,
//! answers with the port it serves on, and ends with its input.

use std::io::{BufRead, Write};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

const BUFFER: usize = 4096;
const REQUEST: usize = 1024;

const WORKS: [&str; 6] = [
    "connect",
    "echo_protocol",
    "echo_stream",
    "idle_memory_protocol",
    "idle_memory_stream",
    "sparse",
];

fn main() {
    println!("ready {} {}", version(), WORKS.join(","));
    let mut lines = std::io::stdin().lock().lines();
    let Some(Ok(work)) = lines.next() else { return };
    assert!(WORKS.contains(&work.as_str()), "no work {work}");
    drop(lines);
    std::thread::spawn(|| {
        for _ in std::io::stdin().lock().lines() {} // until the input ends
        std::process::exit(0);
    });
    let runtime = Builder::new_current_thread().enable_io().build().expect("a tokio runtime");
    runtime.block_on(serve(work.starts_with("idle_memory"))).expect("a server that serves");
}

async fn serve(whole_requests: bool) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    loop {
        let (conn, _) = listener.accept().await?;
        conn.set_nodelay(true)?;
        if whole_requests {
            tokio::spawn(echo_requests(conn));
        } else {
            tokio::spawn(echo(conn));
        }
    }
}

async fn echo(mut conn: TcpStream) {
    let mut buf = vec![0; BUFFER];
    while let Ok(n @ 1..) = conn.read(&mut buf).await {
        if conn.write_all(&buf[..n]).await.is_err() {
            return;
        }
    }
}

async fn echo_requests(mut conn: TcpStream) {
    let mut buf = vec![0; REQUEST];
    while conn.read_exact(&mut buf).await.is_ok() {
        if conn.write_all(&buf).await.is_err() {
            return;
        }
    }
}

/// The version cargo resolved, read from the lock file at build time.
fn version() -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock.lines().skip_while(|l| *l != "name = \"tokio\"").skip(1);
    let version = lines.next().unwrap_or("").trim_start_matches("version = ").trim_matches('"');
    format!("tokio-{version}")
}
