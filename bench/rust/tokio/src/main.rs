//! tokio's current-thread runtime under the shapes of work of our runtime's micro-benchmarks, its clock paused (virtual) in `timer` and
//! `program`.
//!
//! yield: N tasks in `yield_now`; an op is one of them. spawn: N tasks spawned, run and joined; an op is one task. timer: N tasks in
//! `sleep`; an op is one sleep, its switch included. These in ns of the processor.
//!
//! program: the program that the explorers run, N times, by the wall clock as they are.

use args::{bench_and_n, cpu_ns, cpu_ns_each, ns_each, report, sleep_ms, WORKERS};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, Barrier};
use tokio::task::{spawn, yield_now, JoinHandle};
use tokio::time::sleep;

const YIELDS: usize = 3_000_000;
const SPAWNS: usize = 1_000_000;
const TIMER_OPS: usize = 300_000;

fn main() {
    let (bench, n) = bench_and_n(&["yield", "spawn", "timer", "program"]);
    match bench.as_str() {
        "yield" => report(|| yields(n)),
        "spawn" => report(|| spawns(n)),
        "timer" => report(|| timers(n)),
        _ => report(|| programs(n)),
    }
}

/// The clock starts when every task has yielded once, and stops when the last has ended.
fn yields(n: usize) -> f64 {
    let laps = (YIELDS / n).max(20);
    running().block_on(async move {
        let tasks: Vec<JoinHandle<u64>> = (0..n)
            .map(|_| {
                spawn(async move {
                    yield_now().await;
                    let start = cpu_ns();
                    for _ in 0..laps {
                        yield_now().await;
                    }
                    start
                })
            })
            .collect();
        let mut first = None;
        for task in tasks {
            let start = task.await.expect("a task that yields does not fail");
            first.get_or_insert(start);
        }
        cpu_ns_each(first.expect("n is at least 1"), n * laps)
    })
}

fn spawns(n: usize) -> f64 {
    let laps = (SPAWNS / n).max(2);
    running().block_on(async move {
        let mut tasks = Vec::with_capacity(n);
        let mut start = cpu_ns();
        // The first lap warms up.
        for lap in 0..=laps {
            if lap == 1 {
                start = cpu_ns();
            }
            for _ in 0..n {
                tasks.push(spawn(async {}));
            }
            for task in tasks.drain(..) {
                task.await.expect("an empty task does not fail");
            }
        }
        cpu_ns_each(start, n * laps)
    })
}

fn timers(n: usize) -> f64 {
    let laps = (TIMER_OPS / n).max(2);
    paused().block_on(async move {
        // With the tasks it lets this one go on; until then the clock stands, since something is always ready.
        let armed = std::sync::Arc::new(Barrier::new(n + 1));
        let tasks: Vec<JoinHandle<()>> = (0..n)
            .map(|i| {
                let armed = armed.clone();
                spawn(async move {
                    armed.wait().await;
                    for lap in 0..laps {
                        sleep(Duration::from_millis(sleep_ms(i, lap, n))).await;
                    }
                })
            })
            .collect();
        armed.wait().await;
        let start = cpu_ns();
        for task in tasks {
            task.await.expect("a task that sleeps does not fail");
        }
        cpu_ns_each(start, n * laps)
    })
}

/// One runtime for each program, as `#[tokio::test(start_paused = true)]` makes it.
fn programs(n: usize) -> f64 {
    let start = Instant::now();
    for _ in 0..n {
        paused().block_on(program());
    }
    ns_each(start, n)
}

async fn program() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let workers: Vec<JoinHandle<u64>> = (0..WORKERS)
        .map(|i| {
            let sender = sender.clone();
            spawn(async move {
                yield_now().await;
                sleep(Duration::from_millis(i + 1)).await;
                sender.send(i).expect("the coordinator receives");
                i
            })
        })
        .collect();
    for _ in 0..WORKERS {
        receiver.recv().await.expect("every worker sends");
    }
    for (i, worker) in workers.into_iter().enumerate() {
        assert_eq!(worker.await.expect("a worker ends"), i as u64);
    }
}

fn running() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}
