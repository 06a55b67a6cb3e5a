//! Shuttle exploring the program: N random schedules of it. Its threads are stackful coroutines, as our fibers are; it has no clock, so
//! a sleep is a yield. An op is one schedule, which is the program from its start to its end.

use args::{bench_and_n, ns_each, report, WORKERS};
use shuttle::scheduler::{RandomScheduler, RoundRobinScheduler};
use shuttle::sync::mpsc::channel;
use shuttle::thread::{sleep, spawn, yield_now};
use shuttle::{Config, Runner};
use std::time::{Duration, Instant};

fn main() {
    let (bench, n) = bench_and_n(&["program", "program-in-turn"]);
    let mut seed = 0;
    report(|| {
        seed += 1;
        let start = Instant::now();
        if bench == "program" {
            Runner::new(RandomScheduler::new_from_seed(seed, n), Config::new()).run(program);
        } else {
            Runner::new(RoundRobinScheduler::new(n), Config::new()).run(program);
        }
        ns_each(start, n)
    });
}

fn program() {
    let (sender, receiver) = channel();
    let workers: Vec<_> = (0..WORKERS)
        .map(|i| {
            let sender = sender.clone();
            spawn(move || {
                yield_now();
                sleep(Duration::from_millis(i + 1));
                sender.send(i).expect("the coordinator receives");
                i
            })
        })
        .collect();
    for _ in 0..WORKERS {
        receiver.recv().expect("every worker sends");
    }
    for (i, worker) in workers.into_iter().enumerate() {
        assert_eq!(worker.join().expect("a worker ends"), i as u64);
    }
}
