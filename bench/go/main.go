// Goroutines under the same shapes of work as our runtime's micro-benchmarks, on one P: what `lockstep` is compared with under "Go".
//
//	peers-go BENCH N    prints one number a line: ns of the processor an op, a line a round
//
// yield: N goroutines in runtime.Gosched, an op is one Gosched of one of them.
// spawn: N goroutines started with `go`, run to their end and waited for; an op is one goroutine.
// timer: N goroutines that sleep in a testing/synctest bubble, whose clock is virtual; an op is one sleep, its switch included.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	rounds   = 3
	yields   = 3_000_000
	spawns   = 1_000_000
	timerOps = 300_000
)

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) != 3 {
		usage()
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil || n < 1 {
		usage()
	}
	switch os.Args[1] {
	case "yield":
		for range rounds {
			report(yield(n))
		}
	case "spawn":
		for range rounds {
			report(spawn(n))
		}
	case "timer":
		timers(n)
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: peers-go yield|spawn|timer N")
	os.Exit(2)
}

func report(ns float64) { fmt.Printf("%.3f\n", ns) }

// The clock starts when the first goroutine has yielded once in every goroutine's turn, and stops when the last has ended.
func yield(n int) float64 {
	laps := max(yields/n, 20)
	var all sync.WaitGroup
	all.Add(n)
	var start int64
	for i := range n {
		go func() {
			runtime.Gosched()
			if i == 0 {
				start = cpuNs()
			}
			for range laps {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	return nsEach(start, n*laps)
}

func spawn(n int) float64 {
	laps := max(spawns/n, 2)
	var all sync.WaitGroup
	body := func() { all.Done() }
	lap := func() {
		all.Add(n)
		for range n {
			go body()
		}
		all.Wait()
	}
	lap() // Goroutines that have ended are kept and taken again: the rest is warm.
	start := cpuNs()
	for range laps {
		lap()
	}
	return nsEach(start, n*laps)
}

// Runs inside `testing`, since a bubble belongs to a test; testing.Main ends the process, after a line "PASS" of its own.
func timers(n int) {
	test := func(t *testing.T) {
		for range rounds {
			synctest.Test(t, func(*testing.T) { report(timer(n)) })
		}
	}
	every := func(string, string) (bool, error) { return true, nil }
	testing.Main(every, []testing.InternalTest{{Name: "timer", F: test}}, nil, nil)
}

// An op is one sleep of one of N goroutines: to fire its timer and to switch to it.
func timer(n int) float64 {
	laps := max(timerOps/n, 2)
	var all sync.WaitGroup
	all.Add(n)
	for i := range n {
		go func() {
			for lap := range laps {
				time.Sleep(time.Duration(sleepMs(i, lap, n)) * time.Millisecond)
			}
			all.Done()
		}()
	}
	synctest.Wait() // All are asleep; the clock stands until this goroutine is too.
	start := cpuNs()
	all.Wait()
	return nsEach(start, n*laps)
}

// Scattered over N ms by a stride that has no divisor in common with 10, 1,000 or 100,000.
func sleepMs(fiber, lap, n int) int { return 1 + (fiber*7919+lap*104729)%n }

func nsEach(start int64, ops int) float64 { return float64(cpuNs()-start) / float64(ops) }
