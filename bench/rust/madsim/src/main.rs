//! madsim exploring the program: N seeds of it, a simulated world for each, as `#[madsim::test]` makes it. Its clock is virtual, its
//! order of ready tasks random. Tasks are stackless futures. An op is one seed, which is the program from its start to its end.

use args::{bench_and_n, ns_each, report, WORKERS};
use madsim::runtime::Runtime;
use madsim::task::{spawn, yield_now};
use madsim::time::sleep;
use madsim::Config;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

fn main() {
    let (_, n) = bench_and_n(&["program"]);
    let mut seed = 0;
    report(|| {
        let start = Instant::now();
        for _ in 0..n {
            seed += 1;
            Runtime::with_seed_and_config(seed, Config::default()).block_on(program());
        }
        ns_each(start, n)
    });
}

async fn program() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let workers: Vec<_> = (0..WORKERS)
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
