//! The micro suite on tokio.
//!
//! Follows the protocol of serve.go: greets, then answers one figure a request
//! line. `AIO_BENCH_PROCS` is the number of worker threads; with 1 the runtime
//! is tokio's current-thread one.

use std::future::Future;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, Mutex, Notify, Semaphore};
use tokio::task::{spawn, spawn_blocking, yield_now};

const QUEUE_BOUND: usize = 100;
const MAP_LIMIT: usize = 10;
const HOUR: Duration = Duration::from_secs(3600);

type Figure = Result<f64, String>;

const WORKS: [&str; 16] = [
    "yield",
    "yield_timer",
    "yield_among",
    "create_await",
    "gather_100k",
    "to_thread",
    "queue",
    "lock",
    "lock_contended",
    "cancel_100k",
    "post",
    "task_memory",
    "map_limit",
    "burst",
    "sleepers_10k",
    "sleepers_1m",
];

fn main() {
    let procs = std::env::var("AIO_BENCH_PROCS").ok().and_then(|v| v.parse().ok()).unwrap_or(1);
    let runtime = if procs > 1 {
        Builder::new_multi_thread().worker_threads(procs).enable_time().build()
    } else {
        Builder::new_current_thread().enable_time().build()
    }
    .expect("a tokio runtime");
    println!("ready {} {}", version(), WORKS.join(","));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a request line");
        let fields: Vec<&str> = line.split(' ').collect();
        let (size, reps) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        match round(&runtime, fields[0], size, reps) {
            Ok(figure) => println!("{figure}"),
            Err(reason) => println!("error: {reason}"),
        }
        std::io::stdout().flush().unwrap();
    }
}

/// The version cargo resolved, read from the lock file at build time.
fn version() -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock.lines().skip_while(|l| *l != "name = \"tokio\"").skip(1);
    let version = lines.next().unwrap_or("").trim_start_matches("version = ").trim_matches('"');
    format!("tokio-{version}")
}

fn round(runtime: &Runtime, work: &str, size: usize, reps: usize) -> Figure {
    // Work is spawned: what block_on runs itself is not on a worker thread.
    fn on<F>(runtime: &Runtime, work: F) -> Figure
    where
        F: Future<Output = Figure> + Send + 'static,
    {
        runtime.block_on(async { spawn(work).await.map_err(|e| e.to_string())? })
    }
    match work {
        "yield" => on(runtime, timed(size, reps, give_way)),
        "yield_timer" => on(runtime, async move {
            let timer = spawn(tokio::time::sleep(HOUR));
            yield_now().await;
            let figure = timed(size, reps, give_way).await;
            timer.abort();
            figure
        }),
        "yield_among" => on(runtime, timed(size, reps, give_way_among)),
        "create_await" => on(runtime, timed(size, reps, create_await)),
        "gather_100k" => on(runtime, timed(size, reps, gather)),
        "to_thread" => on(runtime, timed(size, reps, to_thread)),
        "queue" => on(runtime, timed(size, reps, queue)),
        "lock" => on(runtime, timed(size, reps, lock)),
        "lock_contended" => on(runtime, timed(size, reps, lock_contended)),
        "cancel_100k" => on(runtime, cancel(size)),
        "post" => on(runtime, timed(size, reps, post)),
        "task_memory" => on(runtime, task_memory(size)),
        "map_limit" => on(runtime, timed(size, reps, map_limit)),
        "burst" => on(runtime, timed(size, reps, burst)),
        "sleepers_10k" | "sleepers_1m" => on(runtime, sleepers(size)),
        _ => Err(format!("no work {work}")),
    }
}

async fn timed<F, Fut>(size: usize, reps: usize, body: F) -> Figure
where
    F: Fn(usize, usize) -> Fut,
    Fut: Future<Output = Result<(), String>>,
{
    if reps > 1 {
        body(size, (reps / 10).max(1)).await?;
    }
    let start = Instant::now();
    body(size, reps).await?;
    Ok(per_op(start.elapsed(), size * reps))
}

fn per_op(elapsed: Duration, ops: usize) -> f64 {
    elapsed.as_nanos() as f64 / ops as f64
}

fn expect(what: &str, got: usize, want: usize) -> Result<(), String> {
    if got == want {
        return Ok(());
    }
    Err(format!("wrong result: {what} is {got}, not {want}"))
}

fn sum_below(n: usize) -> usize {
    n * (n - 1) / 2
}

/// Spread without order over a nanosecond a timer, as deadline.go has it.
fn due_offset(i: usize, size: usize) -> Duration {
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Duration::from_nanos((x >> 32) * size as u64 >> 32)
}

fn failed(e: tokio::task::JoinError) -> String {
    e.to_string()
}

async fn give_way(size: usize, reps: usize) -> Result<(), String> {
    for _ in 0..size * reps {
        yield_now().await;
    }
    Ok(())
}

async fn give_way_among(size: usize, reps: usize) -> Result<(), String> {
    let tasks: Vec<_> = (0..size)
        .map(|_| {
            spawn(async move {
                for _ in 0..reps {
                    yield_now().await;
                }
                reps
            })
        })
        .collect();
    let mut yields = 0;
    for task in tasks {
        yields += task.await.map_err(failed)?;
    }
    expect("yields", yields, size * reps)
}

async fn create_await(size: usize, reps: usize) -> Result<(), String> {
    let mut sum = 0;
    for i in 0..size * reps {
        sum += spawn(async move { i }).await.map_err(failed)?;
    }
    expect("sum", sum, sum_below(size * reps))
}

async fn gather(size: usize, reps: usize) -> Result<(), String> {
    for _ in 0..reps {
        let tasks: Vec<_> = (0..size).map(|i| spawn(async move { i })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_err(failed)?;
        }
        expect("sum", sum, sum_below(size))?;
    }
    Ok(())
}

async fn to_thread(size: usize, reps: usize) -> Result<(), String> {
    let mut sum = 0;
    for i in 0..size * reps {
        sum += spawn_blocking(move || i).await.map_err(failed)?;
    }
    expect("sum", sum, sum_below(size * reps))
}

async fn queue(size: usize, reps: usize) -> Result<(), String> {
    let (send, mut receive) = mpsc::channel(QUEUE_BOUND);
    let producer = spawn(async move {
        for i in 0..size * reps {
            send.send(i).await.expect("the receiver is there");
        }
    });
    let mut sum = 0;
    while let Some(v) = receive.recv().await {
        sum += v;
    }
    producer.await.map_err(failed)?;
    expect("sum", sum, sum_below(size * reps))
}

async fn lock(size: usize, reps: usize) -> Result<(), String> {
    let count = Mutex::new(0);
    for _ in 0..size * reps {
        *count.lock().await += 1;
    }
    let got = *count.lock().await;
    expect("count", got, size * reps)
}

async fn lock_contended(size: usize, reps: usize) -> Result<(), String> {
    let count = Arc::new(Mutex::new(0));
    let contenders: Vec<_> = (0..size)
        .map(|_| {
            let count = count.clone();
            spawn(async move {
                for _ in 0..reps {
                    let mut held = count.lock().await;
                    let before = *held;
                    yield_now().await;
                    *held = before + 1;
                }
            })
        })
        .collect();
    for contender in contenders {
        contender.await.map_err(failed)?;
    }
    let got = *count.lock().await;
    expect("count", got, size * reps)
}

async fn cancel(size: usize) -> Figure {
    let waiting = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..size)
        .map(|_| {
            let waiting = waiting.clone();
            spawn(async move {
                waiting.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(HOUR).await;
            })
        })
        .collect();
    while waiting.load(Ordering::Relaxed) < size {
        yield_now().await;
    }
    let start = Instant::now();
    for task in &tasks {
        task.abort();
    }
    let mut ended = 0;
    for task in tasks {
        if matches!(task.await, Err(e) if e.is_cancelled()) {
            ended += 1;
        }
    }
    let took = start.elapsed();
    expect("tasks cancelled", ended, size)?;
    Ok(per_op(took, size))
}

async fn post(size: usize, reps: usize) -> Result<(), String> {
    let (send, mut receive) = mpsc::unbounded_channel::<Box<dyn FnOnce() -> usize + Send>>();
    let posters: Vec<_> = (0..size)
        .map(|_| {
            let send = send.clone();
            std::thread::spawn(move || {
                for _ in 0..reps {
                    send.send(Box::new(|| 1)).expect("the receiver is there");
                }
            })
        })
        .collect();
    drop(send);
    let mut ran = 0;
    while let Some(callback) = receive.recv().await {
        ran += callback();
    }
    for poster in posters {
        poster.join().expect("a poster that ended well");
    }
    expect("callbacks run", ran, size * reps)
}

async fn task_memory(size: usize) -> Figure {
    let release = Arc::new(Notify::new());
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::with_capacity(size);
    let before = memory_in_use()?;
    for _ in 0..size {
        let (release, waiting) = (release.clone(), waiting.clone());
        tasks.push(spawn(async move {
            let released = release.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            waiting.fetch_add(1, Ordering::Relaxed);
            released.await;
        }));
    }
    while waiting.load(Ordering::Relaxed) < size {
        yield_now().await;
    }
    let after = memory_in_use()?;
    release.notify_waiters();
    for task in tasks {
        task.await.map_err(failed)?;
    }
    Ok(after.saturating_sub(before) as f64 / size as f64)
}

/// Resident bytes of this process.
fn memory_in_use() -> Result<usize, String> {
    let statm = std::fs::read_to_string("/proc/self/statm").map_err(|e| e.to_string())?;
    let pages: usize = statm.split(' ').nth(1).unwrap_or("0").parse().unwrap_or(0);
    Ok(pages * 4096)
}

async fn map_limit(size: usize, reps: usize) -> Result<(), String> {
    for _ in 0..reps {
        let slots = Arc::new(Semaphore::new(MAP_LIMIT));
        let mut tasks = Vec::with_capacity(size);
        for i in 0..size {
            let slot = slots.clone().acquire_owned().await.map_err(|e| e.to_string())?;
            tasks.push(spawn(async move {
                yield_now().await;
                drop(slot);
                2 * i
            }));
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_err(failed)?;
        }
        expect("sum", sum, 2 * sum_below(size))?;
    }
    Ok(())
}

async fn burst(size: usize, reps: usize) -> Result<(), String> {
    for _ in 0..reps {
        let waiting = Arc::new(AtomicUsize::new(0));
        let (open, gate) = tokio::sync::watch::channel(false);
        let open = Arc::new(open);
        let tasks: Vec<_> = (0..size)
            .map(|_| {
                let (waiting, open, mut gate) = (waiting.clone(), open.clone(), gate.clone());
                spawn(async move {
                    if waiting.fetch_add(1, Ordering::Relaxed) + 1 == size {
                        open.send_replace(true);
                    }
                    gate.wait_for(|open| *open).await.map(|_| ()).map_err(|e| e.to_string())
                })
            })
            .collect();
        for task in tasks {
            task.await.map_err(failed)??;
        }
        expect("waiting", waiting.load(Ordering::Relaxed), size)?;
    }
    Ok(())
}

async fn sleepers(size: usize) -> Figure {
    let mut lead = Duration::from_nanos(1500 * size as u64);
    loop {
        let began = Instant::now();
        let first = began + lead;
        let asleep = Arc::new(AtomicUsize::new(0));
        let (all_asleep, set) = oneshot::channel();
        let all_asleep = Arc::new(std::sync::Mutex::new(Some(all_asleep)));
        let tasks: Vec<_> = (0..size)
            .map(|i| {
                let (asleep, all_asleep) = (asleep.clone(), all_asleep.clone());
                spawn(async move {
                    if asleep.fetch_add(1, Ordering::Relaxed) + 1 == size {
                        let signal = all_asleep.lock().unwrap().take();
                        signal.map(|s| s.send(began.elapsed()));
                    }
                    tokio::time::sleep_until((first + due_offset(i, size)).into()).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.map_err(failed)?;
        }
        let last = Instant::now();
        let set = set.await.map_err(|e| e.to_string())?;
        if set < lead {
            return Ok(per_op(set + (last - first), size));
        }
        lead = 2 * set;
    }
}
